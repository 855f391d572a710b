#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Thousands of workers, played, against instances of the control plane and a PostgreSQL that are real.

Started by tests/bench/simulate, which makes the catalog and says what the options are. Each played worker speaks
docs/worker-protocol.md over two kept connections, one for its poll and one for the rest. What it is told to hold is written
down as (job, epoch, worker): an epoch has one worker for ever, and nobody's word counts under an epoch once a higher one was
seen. All in one thread over epoll: what it adds to a latency is printed as the simulator's own delay.
"""

import argparse
import collections
import errno
import heapq
import json
import os
import random
import resource
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import uuid

from api import PLUGINS, Api, await_that, catalog, expect, make_pair, now

HZ = os.sysconf("SC_CLK_TCK")
PLUGIN_TEXT = json.dumps(PLUGINS)
HEARTBEAT, REPORT, WAIT = 10, 10, 25
BACKOFF_MAX = 8


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


# ------------------------------------------------------------------ requests


class Conn:
    """One kept HTTP connection, one request at a time. `done` gets (status, headers, body); status 0: no answer."""

    __slots__ = ("sim", "sock", "port", "out", "data", "done", "until", "sent")

    def __init__(self, sim):
        self.sim, self.sock, self.port, self.out, self.data = sim, None, 0, b"", b""
        self.done, self.until, self.sent = None, 0.0, 0.0
        sim.conns.add(self)

    def send(self, port, token, path, body, done, timeout=30, method="POST"):
        if self.sock is not None and port != self.port:
            self.close()
        self.out = (f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
                    f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()
        self.done, self.data, self.sent = done, b"", time.monotonic()
        self.until = self.sent + timeout
        self.port = port
        if self.sock is None:
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sim.by_fd[self.sock.fileno()] = self
            self.sim.epoll.register(self.sock.fileno(), select.EPOLLIN | select.EPOLLOUT)
            if self.sock.connect_ex(("127.0.0.1", port)) not in (0, errno.EINPROGRESS):
                self.sim.after(0, self.fail)
        else:
            self.write()

    def write(self):
        try:
            self.out = self.out[self.sock.send(self.out):]
        except BlockingIOError:
            pass
        except OSError:
            self.fail()
            return
        self.sim.epoll.modify(self.sock.fileno(), select.EPOLLIN | (select.EPOLLOUT if self.out else 0))

    def close(self):
        if self.sock is not None:
            self.sim.by_fd.pop(self.sock.fileno(), None)
            self.sock.close()
            self.sock = None

    def fail(self):
        done, self.done = self.done, None
        self.close()
        if done:
            done(0, b"", b"")

    def ready(self, events):
        if events & select.EPOLLOUT and not events & (select.EPOLLERR | select.EPOLLHUP):
            self.write()
        if self.sock is None or not events & ~select.EPOLLOUT:
            return
        try:
            piece = self.sock.recv(262144)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not piece or not self.done:
            self.fail()
            return
        self.data += piece
        self.parse()

    def parse(self):
        head, sep, body = self.data.partition(b"\r\n\r\n")
        if not sep:
            return
        low = head.lower()
        at = low.find(b"content-length:")
        length = int(low[at + 15:].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(body) < length:
            return
        done, self.done = self.done, None
        if b"connection: close" in low:
            self.close()
        done(int(head[9:12]), low, body)


# ------------------------------------------------------------------ workers


class Worker:
    """What a worker's agent says, of jobs that nobody runs."""

    def __init__(self, sim, number, token):
        self.sim, self.number, self.token, self.is_known = sim, number, token, False
        self.instance, self.id, self.home = str(uuid.uuid4()), None, number
        self.talk, self.poll = Conn(sim), Conn(sim)
        self.todo = collections.deque()
        self.seen, self.jobs, self.epochs = "", {}, {}
        self.life, self.tries, self.away = 0, 0, False

    def later(self, seconds, call, *args):
        life = self.life
        self.sim.after(seconds, lambda: life == self.life and call(*args))

    def port(self):
        return self.sim.ports[self.home % len(self.sim.ports)]

    def put_off(self, status, head, call, *args):
        """By the table of answers: what to wait for before the next try."""
        if status == 0:
            self.home += 1
        self.tries += 1
        self.sim.count[f"answer {status or 'none'}"] += 1
        seconds = random.uniform(0.05, min(BACKOFF_MAX, 2 ** self.tries / 2))
        at = head.find(b"retry-after:")
        if at >= 0:
            seconds += int(head[at + 12:].split(b"\r\n", 1)[0])
        self.later(seconds, call, *args)

    def start(self):
        body = (f'{{"protocol":1,"instance":"{self.instance}","name":"w{self.number}","host":"sim","version":"0.1.0",'
                f'"abi":"1.0","max_jobs":{self.sim.args.room},"started_at":"{now()}","plugins":{PLUGIN_TEXT}'
                + (f',"worker_id":"{self.id}"' if self.id else "") + "}")
        self.talk.send(self.port(), self.token, "/api/worker/register", body, self.registered)

    def registered(self, status, head, body):
        if status != 200:
            self.put_off(status, head, self.start)
            return
        self.sim.took("register", self.talk.sent)
        answer = json.loads(body)
        self.id, self.token, self.tries = answer["worker_id"], answer.get("secret", self.token), 0
        self.sim.by_id[self.id] = self
        self.sim.count["registered"] += 0 if self.is_known else 1
        self.is_known = True
        self.go()

    def go(self):
        self.later(random.uniform(0, HEARTBEAT), self.beat)
        self.later(random.uniform(0, REPORT), self.report)
        self.ask()

    # -------- one after the other, over one connection

    def say(self, kind, path, make, done=None):
        self.todo.append((kind, path, make, done))
        if not self.talk.done:
            self.say_next()

    def say_next(self):
        if not self.todo:
            return
        kind, path, make, done = self.todo[0]
        body = make()
        if body is None:
            self.todo.popleft()
            self.say_next()
            return

        def said(status, head, text):
            if status in (0, 429) or status >= 500:
                self.put_off(status, head, self.say_next)
                return
            self.tries = 0
            self.sim.took(kind, self.talk.sent)
            if status != 200:
                self.sim.count[f"{kind} {status}"] += 1
                if status not in (404, 409):
                    self.sim.problem(f"{path} was answered with {status} {text[:200]!r}")
            if done:
                done(status)
            self.todo.popleft()
            self.say_next()
        self.talk.send(self.port(), self.token, path, body, said)

    def beat(self):
        self.say("heartbeat", "/api/worker/heartbeat",
                 lambda: f'{{"worker_id":"{self.id}","sent_at":"{now()}","uptime_seconds":1,"jobs":{len(self.jobs)},'
                         f'"max_jobs":{self.sim.args.room},"stopping":false}}')
        self.later(HEARTBEAT, self.beat)

    def report(self):
        for job in self.jobs:
            self.tell(job)
        if self.jobs:
            self.say("metrics", "/api/worker/metrics", self.samples)
        self.later(REPORT, self.report)

    def samples(self):
        at = now()
        return '{"worker_id":"%s","dropped":0,"samples":[%s]}' % (self.id, ",".join(
            f'{{"job_id":"{job}","epoch":{j[0]},"at":"{at}","rows_total":120000,"rows_per_second":812.5,'
            f'"bytes_per_second":98304.5,"lag_bytes":4096,"lag_ms":350,"queue_bytes":0,"retained_bytes":16777216,'
            f'"safe_bytes":null,"dead_letters":0,"rss_bytes":14680064,"cpu_percent":3.5,"flush_p99_ms":12.5}}'
            for job, j in self.jobs.items()))

    def tell(self, job):
        """The state of a job. Accepted under an epoch that a higher one has ended: two would hold it."""
        note = {}

        def make():
            if job not in self.jobs:
                return None
            epoch, revision, state = self.jobs[job]
            note.update(epoch=epoch, is_over=self.sim.highest[job] > epoch)
            return (f'{{"worker_id":"{self.id}","sent_at":"{now()}","epoch":{epoch},"revision":{revision},'
                    f'"state":"{state}","exit_code":null,"error":null,"status":{{"state":"streaming"}}}}')

        def done(status):
            if status == 200 and note["is_over"]:
                self.sim.problem(f"job {job}: epoch {note['epoch']} was taken from a worker after a higher one was given")
        self.say("status", f"/api/worker/jobs/{job}/status", make, done)

    # -------- the poll

    def ask(self, wait=WAIT):
        """Long ones and short ones in turn: the short ones tell what the way there and back takes."""
        body = (f'{{"worker_id":"{self.id}","seen":"{self.seen}","wait_seconds":{wait},"jobs":['
                + ",".join(f'{{"job_id":"{k}","epoch":{j[0]},"revision":{j[1]}}}' for k, j in self.jobs.items())
                + '],"tasks":[]}')
        self.poll.send(self.port(), self.token, "/api/worker/poll", body,
                       lambda status, head, text: self.told(status, head, text, wait), wait + 15)

    def told(self, status, head, text, wait):
        if status not in (200, 204):
            if status not in (0, 429) and status < 500:
                self.sim.problem(f"a poll was answered with {status} {text[:200]!r}")
            self.put_off(status, head, self.ask)
            return
        if wait == 0:
            self.sim.took("poll", self.poll.sent)
        elif status == 204:
            self.sim.took("poll, too late", self.poll.sent + wait)
        else:
            self.sim.count["sets"] += 1
        if status == 200:
            self.take(json.loads(text))
        self.ask(0 if wait else WAIT)

    def take(self, answer):
        self.seen = answer["version"]
        old, self.jobs = self.jobs, {}
        if len(answer["jobs"]) > self.sim.args.room:
            self.sim.problem(f"worker {self.id} got {len(answer['jobs'])} jobs")
        for j in answer["jobs"]:
            job, epoch = j["job_id"], j["epoch"]
            self.sim.held(self, job, epoch, j["state"])
            self.jobs[job] = (epoch, j["revision"], j["state"])
            if old.get(job) != self.jobs[job]:
                self.later(random.uniform(0, 0.3), self.tell, job)

    # -------- trouble

    def vanish(self):
        self.life += 1
        self.away = True
        self.todo.clear()
        for c in (self.talk, self.poll):
            c.done = None
            c.close()

    def come_back(self):
        """As a machine that slept and knows of nothing, or as a new process."""
        self.away = False
        self.life += 1
        if random.random() < 0.5:
            for job in self.jobs:
                self.tell(job)
            self.go()
        else:
            self.seen, self.jobs = "", {}
            self.start()


# ------------------------------------------------------------------ the whole


class Sim:
    def __init__(self, args):
        self.args = args
        self.epoll, self.by_fd, self.conns = select.epoll(), {}, set()
        self.timers, self.number = [], 0
        self.workers, self.by_id = [], {}
        self.holder, self.highest, self.running = {}, collections.defaultdict(int), 0
        self.created, self.changed, self.paused = {}, {}, set()
        self.problems, self.count = [], collections.Counter()
        self.times = collections.defaultdict(list)
        self.delay = 0.0
        self.pg = the_server(args.pg_data)
        self.instances = [Program(n, [os.path.join(os.environ["EZ_BUILD"], "ezcdc-control"), "--log-level=notice",
                                      f"--config={os.environ['CONTROL_DIR']}/{n}.conf"], f"{args.folder}/{n}.log")
                          for n in args.instances.split(",")]
        self.ports = [urllib.parse.urlsplit(os.environ["CONTROL_URL_" + p.name]).port for p in self.instances]
        self.people = Conn(self)
        self.wanted = collections.deque()
        self.down = set()

    def say(self, text):
        print(f"{time.monotonic() - self.began:7.1f} s  {text}", flush=True)

    def problem(self, text):
        self.count["problems"] += 1
        if len(self.problems) < 20:
            self.problems.append(text)

    def took(self, kind, since):
        self.times[kind].append(time.monotonic() - since)

    def after(self, seconds, call):
        self.number += 1
        heapq.heappush(self.timers, (time.monotonic() + seconds, self.number, call))

    def held(self, worker, job, epoch, state):
        if self.holder.setdefault((job, epoch), worker.id) != worker.id:
            self.problem(f"job {job}: epoch {epoch} has two holders")
        if worker.epochs.get(job, 0) > epoch:
            self.problem(f"job {job}: epoch {epoch} came after {worker.epochs[job]}")
        worker.epochs[job] = epoch
        self.highest[job] = max(self.highest[job], epoch)
        if job in self.created:
            self.took("claim", self.created.pop(job))
        if self.changed.get(job, (None,))[0] == state:
            self.took("change", self.changed.pop(job)[1])

    def step(self, limit):
        """Serves what there is to serve; at most `limit` seconds of waiting."""
        begun = time.monotonic()
        wait = min(limit, self.timers[0][0] - begun) if self.timers else limit
        for fd, events in self.epoll.poll(max(0, wait), 1000):
            conn = self.by_fd.get(fd)
            if conn:
                conn.ready(events)
        while self.timers and self.timers[0][0] <= time.monotonic():
            late = time.monotonic() - self.timers[0][0]
            self.delay = max(self.delay, late)
            heapq.heappop(self.timers)[2]()

    def sweep(self):
        t = time.monotonic()
        for c in self.conns:
            if c.done and t > c.until:
                self.count["timeouts"] += 1
                c.fail()
        self.after(1, self.sweep)

    def run(self, seconds, until=None):
        end = time.monotonic() + seconds
        next_look = 0
        while time.monotonic() < end:
            self.step(min(0.2, max(0, end - time.monotonic())))
            if until and time.monotonic() >= next_look:
                if until():
                    return True
                next_look = time.monotonic() + 0.3
        return not until

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
        for p in self.instances:
            p.start()
            admin = Api(os.environ["ADMIN_TOKEN"], os.environ["CONTROL_URL_" + p.name])
            await_that("instance " + p.name, lambda: self.is_ready(p, admin), 20)
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
        for i in range(a.workers):
            w = Worker(self, i, self.places[i % a.deployments][1])
            self.workers.append(w)
            # The instances take 100 registrations a second for each token.
            self.after(i / min(80 * a.deployments, 400), w.start)
        self.after(1, self.sweep)

    def are_up(self):
        return int(catalog("select count(*) from jobs where status <> 'running'")) == 0

    # -------- what people do meanwhile

    def disturb(self):
        """A new job, or a pause or its end, several times a second."""
        if self.quiet:
            return
        port = next(p for i, p in enumerate(self.ports) if i not in self.down or len(self.down) == len(self.ports))
        if not self.people.done:
            sent = time.monotonic()
            if random.random() < 0.3:
                d, _, source, sink = random.choice(self.places)
                body = json.dumps({"name": f"n{self.number}", "deployment_id": d, "source_id": source, "sink_id": sink})
                self.people.send(port, os.environ["ADMIN_TOKEN"], "/api/jobs", body,
                                 lambda status, _, text: self.was_created(status, text, sent))
            else:
                job = random.choice(self.job_ids)
                what, state = ("resume", "running") if job in self.paused else ("pause", "paused")
                self.changed[job] = (state, sent)
                self.people.send(port, os.environ["ADMIN_TOKEN"], f"/api/jobs/{job}/{what}", "{}",
                                 lambda status, *_: self.was_changed(status, job))
        self.after(1 / self.args.people, self.disturb)

    def was_created(self, status, text, sent):
        if status == 201:
            job = json.loads(text)["job_id"]
            # A worker may have been quicker than the answer.
            if job in self.highest:
                self.took("claim", sent)
            else:
                self.created[job] = sent

    def was_changed(self, status, job):
        if status == 200:
            self.paused ^= {job}
        else:
            self.changed.pop(job, None)

    def resume_all(self):
        catalog("select wake_deployment(id) from deployments")
        for job in catalog("select id from jobs where desired = 'paused'").split():
            for _ in range(50):
                try:
                    a = Api(os.environ["ADMIN_TOKEN"], f"http://127.0.0.1:{self.ports[0]}").post(f"/api/jobs/{job}/resume")
                except OSError:
                    a = None
                if a and a.status in (200, 409):
                    break
                self.run(0.2)

    # -------- trouble

    def kill_workers(self):
        gone = random.sample([w for w in self.workers if w.id and not w.away], max(1, len(self.workers) // 20))
        for w in gone:
            w.vanish()
            self.after(random.uniform(1, self.args.away), w.come_back)
        self.say(f"{len(gone)} workers vanish")
        if self.args.hasten and not self.pg_is_down:
            # Nobody waits a minute for them here: the last word of each is made older.
            ids = ",".join(f"'{w.id}'" for w in gone)
            catalog(f"update workers set seen_at = now() - interval '61 seconds' where id in ({ids})")
        self.count["vanished"] += len(gone)

    def kill_instance(self):
        i = random.randrange(len(self.instances))
        if i in self.down:
            return
        self.say(f"instance {self.instances[i].name} is killed")
        self.count["killed instances"] += 1
        self.down.add(i)
        self.instances[i].kill()
        self.after(random.uniform(0.2, 3), lambda: self.instance_back(i))

    def instance_back(self, i):
        if self.pg_is_down:
            self.after(0.3, lambda: self.instance_back(i))
            return
        self.instances[i].start()
        self.down.discard(i)

    def kill_postgres(self):
        if self.pg_is_down:
            return
        self.say("PostgreSQL is killed")
        self.count["killed PostgreSQL"] += 1
        self.pg_is_down = True
        self.pg.kill()
        self.after(random.uniform(0.2, 2), self.postgres_back)

    def postgres_back(self):
        """It refuses for a moment while its children of before end."""
        if not self.pg.child or not self.pg.is_up():
            self.pg.start()
        if subprocess.run(["psql", "-XqAtc", "select 1", "-d", os.environ["CATALOG"]], capture_output=True,
                          check=False).returncode != 0:
            self.after(0.3, self.postgres_back)
            return
        self.pg_is_down = False
        self.say("PostgreSQL is back")

    def trouble(self):
        kinds = [self.kill_workers, self.kill_instance, self.kill_postgres]
        if self.plan:
            kinds[self.plan.pop()]()
            self.after(self.args.trouble / (self.n_plan + 1) * random.uniform(0.7, 1.1), self.trouble)

    # -------- figures

    def cpu(self):
        pg = cpu_of(self.pg.pid, True) + sum(cpu_of(p) for p in children(self.pg.pid))
        return (sum(cpu_of(p.pid) for p in self.instances), pg, cpu_of(os.getpid()))

    def measure(self, title, seconds):
        self.times.clear()
        self.delay = 0.0
        commits = "select xact_commit from pg_stat_database where datname = 'catalog'"
        before, cpu, first = int(catalog(commits)), self.cpu(), time.monotonic()
        self.run(seconds)
        took = time.monotonic() - first
        n = {k: len(v) for k, v in self.times.items()}
        load = [100 * (b - a) / took for a, b in zip(cpu, self.cpu())]
        self.say(f"{title}: {took:.0f} s, {n.get('heartbeat', 0) / took:.0f} heartbeats/s, {n.get('status', 0) / took:.0f}"
                 f" reports/s, {(int(catalog(commits)) - before) / took:.0f} transactions/s; CPU: control plane {load[0]:.0f} %,"
                 f" PostgreSQL {load[1]:.0f} %, simulator {load[2]:.0f} %; memory of the instances: "
                 + ", ".join(f"{rss_of(p.pid):.0f}" for p in self.instances) + " MiB")
        self.show()

    def show(self):
        for kind, values in sorted(self.times.items()):
            v = sorted(values)
            self.say(f"  {kind:15} {len(v):7}  p50 {1000 * v[len(v) // 2]:8.1f} ms  p99 "
                     f"{1000 * v[min(len(v) - 1, len(v) * 99 // 100)]:8.1f} ms  max {1000 * v[-1]:8.1f} ms")
        self.say(f"  the simulator's own delay: at most {1000 * self.delay:.0f} ms")

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
        for key, worker in self.holder.items():
            if claims.get(key) != worker:
                self.problem(f"{key} was held by {worker}, claimed by {claims.get(key)}")
        over = catalog("select count(*) from (select w.id from workers w join jobs j on j.worker_id = w.id"
                       " group by w.id, w.max_jobs having count(*) > w.max_jobs) x")
        if over != "0":
            self.problem(f"{over} workers hold more than they have room for")
        self.say(f"{len(rows)} claims of {len(last)} jobs, {len(self.holder)} of them seen by their workers; "
                 + ", ".join(f"{k}: {v}" for k, v in sorted(self.count.items())))

    def go(self):
        a = self.args
        self.began, self.pg_is_down, self.quiet = time.monotonic(), False, False
        self.set_up()
        self.say(f"{a.workers} workers, {len(self.job_ids)} jobs, {a.deployments} deployments, {len(self.instances)} instances")
        if not self.run(a.patience, lambda: self.count["registered"] == a.workers and self.are_up()):
            self.problem(f"not all are up: {catalog('select status, count(*) from jobs group by 1').split()}, "
                         f"{self.count['registered']} workers have registered")
        self.say("all jobs run")
        self.show()
        self.after(0, self.disturb)
        self.run(min(10, a.calm))
        self.measure("calm", a.calm)
        counts = [int(x) for x in a.kills.split(",")]
        self.plan = [k for k, n in enumerate(counts) for _ in range(n)]
        random.shuffle(self.plan)
        self.n_plan = len(self.plan)
        if self.plan:
            self.times.clear()
            self.after(0.1, self.trouble)
            self.run(a.trouble + a.patience, lambda: not self.plan and not self.down and not self.pg_is_down)
            self.show()
        self.quiet = True
        self.run(a.away, lambda: not any(w.away for w in self.workers))
        self.resume_all()
        if not self.run(a.patience, self.are_up):
            self.problem(f"not all jobs run again: {catalog('select status, count(*) from jobs group by 1').split()}")
        self.say("all jobs run again")
        self.check()

    def end(self):
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
    p.add_argument("--room", type=int, default=10)
    p.add_argument("--instances", default="main,second")
    p.add_argument("--people", type=float, default=4)
    p.add_argument("--calm", type=float, default=20)
    p.add_argument("--trouble", type=float, default=30)
    p.add_argument("--away", type=float, default=20)
    p.add_argument("--kills", default="3,3,1")
    p.add_argument("--patience", type=float, default=120)
    p.add_argument("--hasten", action="store_true")
    p.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    p.add_argument("--folder", required=True)
    p.add_argument("--pg-data", required=True)
    args = p.parse_args()
    random.seed(args.seed)
    print(f"seed {args.seed}", flush=True)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
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
