#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Thousands of workers, played, against instances of the control plane and a PostgreSQL that are real.

Started by tests/bench/simulate, which makes the catalog and says what the options are. The workers are played by
tests/bench/play, each over two kept connections, one for its poll and one for the rest. What one is told to hold is written
down as (job, epoch, worker): an epoch has one worker for ever, and nobody's word counts under an epoch once a higher one was
seen. This program plays the people, kills, and judges.
"""

import argparse
import collections
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.parse

from api import PLUGINS, Api, await_that, catalog, expect, make_pair

HZ = os.sysconf("SC_CLK_TCK")


# ------------------------------------------------------------------ programs that are killed


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            return [int(x) for x in f.read().split()]
    except OSError:
        return []


def cpu_of(pid, waited=False):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return sum(int(x) for x in fields[11:15 if waited else 13]) / HZ
    except (OSError, IndexError):
        return 0.0


def rss_of(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as f:
            return next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmRSS"))
    except (OSError, StopIteration):
        return 0.0


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


class Program:
    """A server of ours: started, killed without a word, and started again."""

    def __init__(self, name, argv, log, user=None):
        self.name, self.argv, self.log, self.user = name, argv, log, user
        self.child, self.pid = None, 0

    def start(self):
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          **({"user": self.user, "group": self.user, "extra_groups": []}
                                             if self.user else {}))
        self.pid = self.child.pid

    def kill(self):
        for pid in [self.pid, *children(self.pid)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.reap()

    def reap(self):
        if self.child:
            self.child.wait()
        while is_alive(self.pid):
            time.sleep(0.01)

    def is_up(self):
        return self.child.poll() is None if self.child else is_alive(self.pid)

    def stop(self, sig):
        if self.child and self.child.poll() is None:
            self.child.send_signal(sig)
            return self.child.wait()
        return None


def the_server(folder):
    """The PostgreSQL that the script has started."""
    with open(os.path.join(folder, "postmaster.pid"), encoding="ascii") as f:
        pid = int(f.readline())
    with open(f"/proc/{pid}/cmdline", "rb") as f:
        argv = [x.decode() for x in f.read().split(b"\0")[:-1]]
    argv[0] = os.readlink(f"/proc/{pid}/exe")
    owner = os.stat(f"/proc/{pid}").st_uid
    p = Program("postgres", argv, folder + ".log", owner if os.getuid() == 0 else None)
    p.pid = pid
    return p


# ------------------------------------------------------------------ the workers


class Players(threading.Thread):
    """tests/bench/play, and what it says."""

    def __init__(self, sim, argv):
        super().__init__(daemon=True)
        self.sim, self.answers, self.changed = sim, {}, threading.Condition()
        self.child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.start()

    def run(self):
        for line in self.child.stdout:
            word, _, rest = line.rstrip("\n").partition(" ")
            if word == "held":
                worker, job, epoch, state, at = rest.split(" ")
                self.sim.held(worker, job, int(epoch), state, int(at) / 1e6)
            elif word == "problem":
                self.sim.problem(rest)
            else:
                with self.changed:
                    self.answers[word] = rest
                    self.changed.notify_all()

    def tell(self, command):
        self.child.stdin.write(command + "\n")
        self.child.stdin.flush()

    def ask(self, command, word):
        with self.changed:
            self.answers.pop(word, None)
            self.tell(command)
            if not self.changed.wait_for(lambda: word in self.answers, 30):
                raise AssertionError("the players do not answer")
            return self.answers[word]

    def figures(self):
        return json.loads(self.ask("figures", "figures"))

    def end(self):
        self.child.stdin.close()
        if self.child.wait() != 0:
            self.sim.problem("the players have failed")
        self.join()


class People(threading.Thread):
    """A new job, or a pause or its end, several times a second."""

    def __init__(self, sim):
        super().__init__(daemon=True)
        self.sim, self.over = sim, threading.Event()
        self.chance = random.Random(sim.args.seed + 1)
        self.paused, self.made = set(), 0

    def run(self):
        while not self.over.wait(1 / self.sim.args.people):
            try:
                self.act(Api(os.environ["ADMIN_TOKEN"], self.chance.choice(self.sim.urls)))
            except OSError:
                pass

    def act(self, api):
        sent = time.monotonic()
        if self.chance.random() < 0.3:
            d, _, source, sink = self.chance.choice(self.sim.places)
            self.made += 1
            a = api.post("/api/jobs", {"name": f"n{self.made}", "deployment_id": d, "source_id": source,
                                       "sink_id": sink}, timeout=20)
            if a.status == 201:
                self.sim.expect_claim(a.json["job_id"], sent)
            return
        job = self.chance.choice(self.sim.job_ids)
        what, state = ("resume", "running") if job in self.paused else ("pause", "paused")
        self.sim.changed[job] = (state, sent)
        if api.post(f"/api/jobs/{job}/{what}", timeout=20).status == 200:
            self.paused ^= {job}
        else:
            self.sim.changed.pop(job, None)

    def end(self):
        self.over.set()
        self.join()


# ------------------------------------------------------------------ the whole


class Sim:
    def __init__(self, args):
        self.args = args
        self.lock = threading.Lock()
        self.holder, self.created, self.changed, self.first = {}, {}, {}, {}
        self.problems, self.count = [], collections.Counter()
        self.times = collections.defaultdict(list)
        self.pg = the_server(args.pg_data)
        self.instances = [Program(n, [os.path.join(os.environ["EZ_BUILD"], "ezcdc-control"), "--log-level=notice",
                                      f"--config={os.environ['CONTROL_DIR']}/{n}.conf"], f"{args.folder}/{n}.log")
                          for n in args.instances.split(",")]
        self.urls = [os.environ["CONTROL_URL_" + p.name] for p in self.instances]
        self.down, self.pg_is_down = set(), False
        self.players = None

    def say(self, text):
        print(f"{time.monotonic() - self.began:7.1f} s  {text}", flush=True)

    def problem(self, text):
        self.count["problems"] += 1
        if len(self.problems) < 20:
            self.problems.append(text)

    # -------- what the players say, in their thread

    def held(self, worker, job, epoch, state, at):
        with self.lock:
            if self.holder.setdefault((job, epoch), worker) != worker:
                self.problem(f"job {job}: epoch {epoch} has two holders")
            self.first.setdefault(job, at)
            if job in self.created:
                self.times["claim of a new job"].append(at - self.created.pop(job))
            if self.changed.get(job, (None,))[0] == state:
                self.times["change of a job"].append(at - self.changed.pop(job)[1])

    def expect_claim(self, job, sent):
        """A worker may have been quicker than the answer."""
        with self.lock:
            if job in self.first:
                self.times["claim of a new job"].append(self.first[job] - sent)
            else:
                self.created[job] = sent

    # -------- how it begins

    @staticmethod
    def is_ready(program, api):
        assert program.is_up(), f"instance {program.name} has ended"
        try:
            return api.get("/readyz").status == 200
        except OSError:
            return False

    def set_up(self):
        a = self.args
        for p, url in zip(self.instances, self.urls):
            p.start()
            admin = Api(os.environ["ADMIN_TOKEN"], url)
            await_that("instance " + p.name, lambda: self.is_ready(p, admin), 20)
        self.say("memory of the idle instances: " + ", ".join(f"{rss_of(p.pid):.0f}" for p in self.instances) + " MiB")
        self.places = []
        for i in range(a.deployments):
            d = expect(admin.post("/api/deployments", {"name": f"d{i}"}), 201)["deployment_id"]
            token = expect(admin.post(f"/api/deployments/{d}/tokens"), 201)["token"]
            source, sink = make_pair(admin, d)
            job = expect(admin.post("/api/jobs", {"name": "j0", "deployment_id": d, "source_id": source,
                                                  "sink_id": sink}), 201)["job_id"]
            n = a.jobs // a.deployments
            catalog(f"insert into jobs select (jsonb_populate_record(j, jsonb_build_object('id', gen_random_uuid(),"
                    f" 'name', 'j' || i))).* from jobs j, generate_series(1, {n - 1}) i where j.id = '{job}'")
            self.places.append((d, token, source, sink))
        self.job_ids = catalog("select id from jobs").split()
        plugins = os.path.join(a.folder, "plugins.json")
        with open(plugins, "w", encoding="utf-8") as f:
            json.dump(PLUGINS, f)
        ports = ",".join(str(urllib.parse.urlsplit(u).port) for u in self.urls)
        self.players = Players(self, [os.path.join(os.environ["EZ_BUILD"], "tests/bench/play"), str(a.workers), str(a.room),
                                      str(a.seed), plugins, ports, *(p[1] for p in self.places)])
        # The instances take 100 registrations a second for each token.
        self.players.tell(f"start {min(80 * a.deployments, a.rate)}")

    def wait_for(self, test, seconds):
        end = time.monotonic() + seconds
        while not test():
            if time.monotonic() > end:
                return False
            time.sleep(0.2)
        return True

    def are_up(self):
        return self.players.figures()["registered"] == self.args.workers and \
            catalog("select count(*) from jobs where status <> 'running'") == "0"

    def states(self):
        return catalog("select status, count(*) from jobs group by 1").split()

    # -------- trouble

    def kill_workers(self):
        n = max(1, self.args.workers // 20)
        gone = self.players.ask(f"vanish {n} {self.args.away}", "gone").split()
        self.say(f"{len(gone)} workers vanish")
        if self.args.hasten and not self.pg_is_down:
            # Nobody waits a minute for them here: the last word of each is made older.
            ids = ",".join(f"'{w}'" for w in gone)
            catalog(f"update workers set seen_at = now() - interval '61 seconds' where id in ({ids})")
        self.count["vanished"] += len(gone)

    def kill_instance(self):
        up = [i for i in range(len(self.instances)) if i not in self.down]
        i = random.choice(up or [0])
        self.say(f"instance {self.instances[i].name} is killed")
        self.count["killed instances"] += 1
        self.instances[i].kill()
        time.sleep(random.uniform(0.2, 3))
        self.instances[i].start()

    def kill_postgres(self):
        self.say("PostgreSQL is killed")
        self.count["killed PostgreSQL"] += 1
        self.pg.kill()
        time.sleep(random.uniform(0.2, 2))
        # It refuses for a moment while its children of before end.
        while subprocess.run(["psql", "-XqAtc", "select 1", "-d", os.environ["CATALOG"]], capture_output=True,
                             check=False).returncode != 0:
            if not self.pg.child or not self.pg.is_up():
                self.pg.start()
            time.sleep(0.3)
        self.say("PostgreSQL is back")

    def trouble(self):
        counts = [int(x) for x in self.args.kills.split(",")]
        plan = [k for k, n in enumerate(counts) for _ in range(n)]
        random.shuffle(plan)
        gap = self.args.trouble / (len(plan) + 1)
        for kind in plan:
            [self.kill_workers, self.kill_instance, self.kill_postgres][kind]()
            # An instance that cannot reach the catalog as it starts ends: its service manager starts it again.
            for p in self.instances:
                if not p.is_up():
                    p.start()
            time.sleep(gap * random.uniform(0.7, 1.1))

    # -------- figures

    def cpu(self):
        pg = cpu_of(self.pg.pid, True) + sum(cpu_of(p) for p in children(self.pg.pid))
        return (sum(cpu_of(p.pid) for p in self.instances), pg, cpu_of(self.players.child.pid) + cpu_of(os.getpid()))

    def measure(self, title, seconds):
        with self.lock:
            self.times.clear()
        self.players.tell("reset")
        commits = "select xact_commit from pg_stat_database where datname = 'catalog'"
        before, cpu, first = int(catalog(commits)), self.cpu(), time.monotonic()
        time.sleep(seconds)
        took = time.monotonic() - first
        load = [100 * (b - a) / took for a, b in zip(cpu, self.cpu())]
        f = self.players.figures()
        n = {k: v[0] for k, v in f["times"].items()}
        self.say(f"{title}: {took:.0f} s, {n['heartbeat'] / took:.0f} heartbeats/s, {n['report'] / took:.0f}"
                 f" reports/s, {n['samples'] / took:.0f} samples/s, {(n['poll'] + n['end of a wait']) / took:.0f} polls/s, "
                 f"{(int(catalog(commits)) - before) / took:.0f} transactions/s; CPU: control plane {load[0]:.0f} %,"
                 f" PostgreSQL {load[1]:.0f} %, simulator {load[2]:.0f} %; memory of the instances: "
                 + ", ".join(f"{rss_of(p.pid):.0f}" for p in self.instances) + " MiB")
        self.show(f)
        self.show_statements()

    def show(self, f=None):
        f = f or self.players.figures()
        lines = [(k, v[0], *(x / 1e3 for x in v[1:])) for k, v in f["times"].items() if v[0]]
        with self.lock:
            for kind, values in sorted(self.times.items()):
                v = sorted(values)
                lines.append((kind, len(v), 1e3 * v[len(v) // 2], 1e3 * v[len(v) * 99 // 100], 1e3 * v[-1]))
        for line in lines:
            self.say("  %-18s %7d  p50 %8.1f ms  p99 %8.1f ms  max %8.1f ms" % line)
        self.say(f"  put off {f['put off']}, timeouts {f['timeouts']}, stale {f['stale']}; the simulator's own delay: at most "
                 f"{f['delay'] / 1000:.0f} ms")

    def show_statements(self):
        if "EZ_STATEMENTS" not in os.environ:
            return
        for line in catalog("select round(total_exec_time), calls, round((total_exec_time / calls)::numeric, 2), toplevel, left(regexp_replace("
                            "query, '\\s+', ' ', 'g'), 120) from public.pg_stat_statements order by 1 desc limit "
                            + os.environ["EZ_STATEMENTS"]).split("\n"):
            self.say("  " + line)
        catalog("select public.pg_stat_statements_reset()")

    # -------- what must hold

    def check(self):
        rows = catalog("select job_id, epoch, worker_id from job_events where event = 'claim' order by job_id, id").split()
        last, claims = {}, {}
        for row in rows:
            job, epoch, worker = row.split("|")
            if int(epoch) <= last.get(job, 0):
                self.problem(f"job {job}: epoch {epoch} was claimed after {last[job]}")
            last[job] = int(epoch)
            claims[job, int(epoch)] = worker
        with self.lock:
            for key, worker in self.holder.items():
                if claims.get(key) != worker:
                    self.problem(f"{key} was held by {worker}, claimed by {claims.get(key)}")
        over = catalog("select count(*) from (select w.id from workers w join jobs j on j.worker_id = w.id"
                       " group by w.id, w.max_jobs having count(*) > w.max_jobs) x")
        if over != "0":
            self.problem(f"{over} workers hold more than they have room for")
        self.say(f"{len(rows)} claims of {len(last)} jobs, {len(self.holder)} of them seen by their workers; "
                 + ", ".join(f"{k}: {v}" for k, v in sorted(self.count.items())))

    def resume_all(self):
        for job in catalog("select id from jobs where desired = 'paused'").split():
            for _ in range(50):
                try:
                    if Api(os.environ["ADMIN_TOKEN"], self.urls[0]).post(f"/api/jobs/{job}/resume").status in (200, 409):
                        break
                except OSError:
                    pass
                time.sleep(0.2)

    def go(self):
        a = self.args
        self.began = time.monotonic()
        self.set_up()
        self.say(f"{a.workers} workers, {len(self.job_ids)} jobs, {a.deployments} deployments, {len(self.instances)} instances")
        if not self.wait_for(self.are_up, a.patience):
            self.problem(f"not all are up: {self.states()}, {self.players.figures()['registered']} workers have registered")
        self.say("all jobs run")
        self.show()
        self.show_statements()
        people = People(self)
        people.start()
        time.sleep(min(10, a.calm))
        self.measure("calm", a.calm)
        if a.kills != "0,0,0":
            self.players.tell("reset")
            self.trouble()
            self.show()
        people.end()
        if a.kills != "0,0,0":
            time.sleep(a.away)
        self.resume_all()
        if not self.wait_for(self.are_up, a.patience):
            self.problem(f"not all jobs run again: {self.states()}")
        self.say("all jobs run again")
        self.check()

    def end(self):
        if self.players:
            self.players.end()
        for p in self.instances:
            code = p.stop(signal.SIGTERM)
            if code not in (0, None):
                self.problem(f"instance {p.name} ended with {code}")
        self.pg.stop(signal.SIGQUIT)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--workers", type=int, default=200)
    p.add_argument("--jobs", type=int, default=400)
    p.add_argument("--deployments", type=int, default=4)
    p.add_argument("--room", type=int, default=3)
    p.add_argument("--rate", type=int, default=400)
    p.add_argument("--instances", default="main,second")
    p.add_argument("--people", type=float, default=4)
    p.add_argument("--calm", type=float, default=20)
    p.add_argument("--trouble", type=float, default=30)
    p.add_argument("--away", type=int, default=20)
    p.add_argument("--kills", default="3,3,1")
    p.add_argument("--patience", type=float, default=120)
    p.add_argument("--hasten", action="store_true")
    p.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    p.add_argument("--folder", required=True)
    p.add_argument("--pg-data", required=True)
    args = p.parse_args()
    random.seed(args.seed)
    print(f"seed {args.seed}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sim = Sim(args)
    try:
        sim.go()
    finally:
        sim.end()
    for text in sim.problems:
        print(f"PROBLEM: {text}")
    sys.exit(1 if sim.problems else 0)


if __name__ == "__main__":
    main()
