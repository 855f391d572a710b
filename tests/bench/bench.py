#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The measuring half of tests/bench/run, which starts the server and says what is printed."""

import argparse
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
import urllib.request

HZ = os.sysconf("SC_CLK_TCK")

TABLES = """
create table orders (id bigint primary key, customer_id bigint not null, status text not null, placed timestamptz not null,
    total numeric(12,2), currency char(3), paid boolean, weight float8, quantity int, address text, note text, tags text[]);
create table narrow (id bigint primary key, a int, b int, c text);
create table big_orders (like orders including all);
create table ticks (id bigserial primary key, sent bigint not null);
create function order_rows(from_id bigint, n bigint) returns setof orders language sql as $$
    select i, i * 7919 % 100000, (array['new', 'paid', 'shipped', 'returned'])[1 + i % 4],
           timestamptz '2024-01-01 00:00:00Z' + i * interval '1.234567 s', (i % 100000) / 7.0, 'EUR', i % 3 = 0, i / 13.0,
           (i % 50)::int, i || ' Long Street, some town, some region, some country', repeat('words and more words ', 14),
           array['one', 'two', 'tag' || i % 10]
    from generate_series(from_id, from_id + n - 1) i $$;
create publication bench for table orders, narrow, big_orders, ticks;
"""


def steal():
    """(stolen, all) ticks of all CPUs."""
    with open("/proc/stat", encoding="ascii") as f:
        ticks = [int(x) for x in f.readline().split()[1:9]]
    return ticks[7], sum(ticks)


def cpu_of(pid):
    """Seconds of CPU of a process; None if it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / HZ
    except (OSError, IndexError):
        return None


def peak_of(pid):
    """Most memory so far, in kB. (What wait4 tells includes our own from before the exec.)"""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return 0


class Run:
    """One run of one client: its time and CPU, and the CPU of the server's processes that served it."""

    def __init__(self, argv, log, env=None, watch="walsender"):
        self.backends, self.ended = {}, False
        first = steal()
        before = self.servers(watch)
        began = time.monotonic()
        with open(log, "ab") as out:
            child = subprocess.Popen(argv, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=env)
        self.peak_kb = 0
        spy = threading.Thread(target=self.spy, args=(watch, before, child.pid))
        spy.start()
        _, status, usage = os.wait4(child.pid, 0)
        self.seconds = time.monotonic() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        self.ended = True
        spy.join()
        last = steal()
        self.code = child.returncode
        self.cpu = usage.ru_utime + usage.ru_stime
        self.server_cpu = sum(self.backends.values())
        self.steal = 100 * (last[0] - first[0]) / max(1, last[1] - first[1])

    @staticmethod
    def servers(watch):
        """Backends, by their process titles."""
        found = set()
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open(f"/proc/{name}/cmdline", "rb") as f:
                        title = f.read(200)
                except OSError:
                    continue
                if title.startswith(b"postgres:") and (watch == "any" or watch.encode() in title):
                    found.add(int(name))
        return found

    def spy(self, watch, before, client):
        """A backend's CPU is lost with it, and the client's peak: they are read again and again."""
        while not self.ended:
            self.peak_kb = max(self.peak_kb, peak_of(client))
            for pid in self.servers(watch) - before:
                cpu = cpu_of(pid)
                if cpu is not None:
                    self.backends[pid] = cpu
            time.sleep(0.03)


class Bench:
    """The server, the build and the figures."""

    def __init__(self, args):
        self.args = args
        self.env = dict(os.environ, EZCDC_PLUGIN_PATH=os.path.join(args.build, "plugins.d"))
        self.log = os.path.join(args.folder, "clients.log")
        self.steals = []
        self.databases = 0

    def sql(self, text):
        done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.args.conninfo, "-c", text],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"bench: {done.stderr.strip()}")
        return done.stdout.strip()

    def n(self, rows):
        return max(1000, rows * self.args.scale // 100)

    def path(self, name):
        return os.path.join(self.args.folder, name)

    def tool(self, name):
        return os.path.join(self.args.build, "tests/bench", name)

    def fail(self, what, code):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            tail = f.read()[-1500:]
        sys.exit(f"bench: {what} ended with {code}:\n{tail}")

    def check(self, run, what):
        if run.code != 0:
            self.fail(what, run.code)
        self.steals.append(run.steal)
        return run

    def job(self, name, source, top="", sink=None):
        """Writes a job file and returns the daemon's command line without options."""
        folder = self.path(name)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        conf = os.path.join(folder, "job.conf")
        with open(conf, "w", encoding="utf-8") as f:
            f.write(f'name = "{name}";\nsource = {{ plugin = "pgoutput"; conninfo = "{self.args.conninfo}"; '
                    f'publication = "bench"; {source} }};\n'
                    + (sink or f'sink = {{ plugin = "file"; path = "{folder}/out"; }};') + f"\n{top}\n")
        return [os.path.join(self.args.build, "dbmazz"), f"--state-dir={folder}/state", "--log-level=warning", conf]

    # ------------------------------------------------------------ clients of the stream

    def drain_engine(self, end):
        argv = self.job("engine", 'slot = "run"; snapshot = "never"; create = false;')
        run = Run(argv[:1] + [f"--until={end}"] + argv[1:], self.log, self.env)
        return self.check(run, "dbmazz")

    def drain_recv(self, end):
        run = Run([os.path.join(self.args.pg_bin, "pg_recvlogical"), "-d", self.args.conninfo, "-S", "run", "--start", "-f",
                   "/dev/null", "-o", "proto_version=1", "-o", "publication_names=bench", f"--endpos={end}"], self.log)
        return self.check(run, "pg_recvlogical")

    def drain_floor(self, end):
        run = Run([self.tool("floor"), self.args.conninfo, "run", "bench", end, self.path("floor.jsonl")], self.log)
        return self.check(run, "floor")

    def rounds(self, title, rows, base, end, clients):
        """Interleaved runs over the same WAL; {client: [Run]}."""
        results = {c: [] for c in clients}
        order = list(clients)
        for i in range(self.args.rounds):
            random.shuffle(order)
            for client in order:
                self.sql(f"select pg_copy_logical_replication_slot('{base}', 'run')")
                results[client].append(clients[client](end))
                self.sql("select pg_drop_replication_slot('run')")
            note(f"{title}: round {i + 1} of {self.args.rounds}, " + ", ".join(
                f"{c} {rows / results[c][-1].seconds / 1000:.0f}k/s" for c in clients))
        return results

    def load(self, name, rows, per_transaction, statement):
        """Writes WAL behind a slot of its own; the position where it ends."""
        self.sql(f"select pg_create_logical_replication_slot('{name}', 'pgoutput')")
        script = self.path("load.sql")
        with open(script, "w", encoding="utf-8") as f:
            for first in range(0, rows, per_transaction):
                f.write(statement.format(first=first, n=min(per_transaction, rows - first)) + ";\n")
        subprocess.run(["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", self.args.conninfo, "-f", script], check=True,
                       stdout=subprocess.DEVNULL)
        end = self.sql("select pg_current_wal_insert_lsn()")
        # Something behind the end, so that everybody notices it.
        self.sql("insert into ticks (sent) values (0)")
        return end

    def drain(self):
        """Backlogs of three shapes."""
        heading("Draining a backlog into the file sink (JSON lines)", "rows/s in thousands: median (min-max); ratios are medians of the ratios within a "
                "round; CPU / ws: the client's CPU as a part of the walsender's")
        steps = (
            ("orders, 12 columns, 1000 rows a transaction", "b_orders", self.n(300000), 1000,
             "insert into orders select * from order_rows({first}, {n})"),
            ("narrow, 100 rows a transaction", "b_narrow", self.n(400000), 100,
             "insert into narrow select i, i, i * 2, 'text of ' || i from generate_series({first}::bigint, {first} + {n} - 1) i"),
            ("narrow, 1 row a transaction", "b_single", self.n(100000), 1,
             "insert into narrow values (10000000 + {first}, {first}, 2, 'a text')"),
        )
        clients = {"dbmazz": self.drain_engine, "pg_recvlogical": self.drain_recv, "floor": self.drain_floor}
        ends = {}
        for title, base, rows, per, statement in steps:
            note(f"writing {rows} rows: {title}")
            ends[base] = self.load(base, rows, per, statement)
        row("", "rows/s", "/ recv", "/ floor", "CPU / ws", "peak RSS", "stolen")
        for title, base, rows, _, _ in steps:
            runs = self.rounds(title, rows, base, ends[base], clients)
            print(title)
            for client, own in runs.items():
                row("  " + client, rate(own, rows), ratio(runs["pg_recvlogical"], own), ratio(runs["floor"], own), share(own),
                    mib(max(r.peak_kb for r in own)), stolen(own))

    # ------------------------------------------------------------ StarRocks

    def cluster(self, profile, history, publish_ms):
        """The test server: its process, which ends with its input, and its ports."""
        with open(self.log, "ab") as log:
            child = subprocess.Popen([os.path.join(self.args.build, "tests/testkit/starrocks/server"), f"--profile={profile}", "--fe=1",
                                      "--be=1", "--user=root", "--password=pw", f"--history={history}", f"--publish-ms={publish_ms}",
                                      "--life"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        return child, json.loads(child.stdout.readline()) | {"pid": child.pid}

    def starrocks_sink(self, server):
        self.databases += 1
        return ('sink = {{ plugin = "starrocks"; fe = [ "http://127.0.0.1:{}" ]; mysql = [ "127.0.0.1:{}" ]; user = "root"; '
                'password = "pw"; replication_num = 1; database = "bench{}"; }};').format(server["fe"][0], server["mysql"][0], self.databases)

    def drain_starrocks(self, end, server):
        argv = self.job("starrocks", 'slot = "run"; snapshot = "never"; create = false;', sink=self.starrocks_sink(server))
        before = cpu_of(server["pid"])
        run = self.check(Run(argv[:1] + [f"--until={end}"] + argv[1:], self.log, self.env), "dbmazz")
        run.cluster_cpu = cpu_of(server["pid"]) - before
        return run

    def ask_starrocks(self, server, question, **more):
        ask = json.dumps({"do": question, **more}).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{server['control']}/", ask, timeout=60) as answer:
            return [json.loads(line) for line in answer.read().splitlines()]

    def check_starrocks(self, server, rows):
        """Every run brought every row, and kept the rules."""
        loaded = [t["upserts"] for t in self.ask_starrocks(server, "summary") if t["table"] == "orders"]
        complaints = self.ask_starrocks(server, "violations")
        if loaded != [rows] * self.args.rounds or complaints:
            sys.exit(f"bench: the test server has {loaded} rows, not {rows} each time; its complaints: {complaints[:3]}")

    def starrocks(self):
        """The same backlog into files and into the StarRocks test server, which checks every row, counts it and forgets it: a cluster does
        the rest on other machines."""
        rows = self.n(300000)
        heading("Draining a backlog into StarRocks", "12 columns, 1000 rows a transaction; the test server shares the machine")
        end = self.load("b_starrocks", rows, 1000, "insert into orders select * from order_rows(2000000 + {first}, {n})")
        child, server = self.cluster("4.0", "counts", 0)
        try:
            runs = self.rounds("starrocks", rows, "b_starrocks", end, {
                "file": self.drain_engine, "starrocks": lambda to: self.drain_starrocks(to, server)})
            self.check_starrocks(server, rows)
        finally:
            child.stdin.close()
            child.wait(30)
        row("", "rows/s", "/ file", "CPU us a row", "CPU / file", "peak RSS", "stolen")
        for client, own in runs.items():
            cpu = statistics.median(b.cpu / a.cpu for a, b in zip(runs["file"], own))
            row("  " + client, rate(own, rows), ratio(runs["file"], own), f"{statistics.median(r.cpu for r in own) * 1e6 / rows:.2f}",
                f"{cpu:.2f}x", mib(max(r.peak_kb for r in own)), stolen(own))
        theirs = statistics.median(r.cluster_cpu for r in runs["starrocks"])
        print(f"  (the test server itself takes {theirs * 1e6 / rows:.2f} us of CPU a row)")

    def visible(self, server):
        """Milliseconds from just before each INSERT of ticks to its visibility, as the test server's history has it."""
        versions = self.ask_starrocks(server, "history", db=f"bench{self.databases}", table="ticks")
        # The server's clock is the monotonic one. The first rows have to wait until the table is made.
        ahead = (time.time() - time.monotonic()) * 1000
        rows = [(r["row"]["sent"] / 1000, v["visible_ms"] + ahead) for v in versions if v["visible"] for r in v["rows"] if r["row"]["sent"]]
        begun = min(sent for sent, _ in rows) + 3000
        return sorted(visible - sent for sent, visible in rows if sent > begun), len(versions)

    def freshness_of(self, profile, rate_per_s, seconds):
        child, server = self.cluster(profile, "full", 100)
        argv = self.job("fresh", 'snapshot = "never";', sink=self.starrocks_sink(server))
        script = self.path("fresh.sql")
        with open(script, "w", encoding="utf-8") as f:
            f.write("insert into ticks (sent) values ((extract(epoch from clock_timestamp()) * 1000000)::bigint);\n")
        with open(self.log, "ab") as log:
            daemon = subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self.env)
            while self.sql("select count(*) from pg_stat_replication where state = 'streaming'") != "1":
                if daemon.poll() is not None:
                    self.fail("dbmazz", daemon.returncode)
                time.sleep(0.1)
            subprocess.run(["pgbench", "-n", "-c", "4", "-M", "prepared", "-R", str(rate_per_s), "-T", str(seconds), "-f", script,
                            re.search(r"dbname=(\S+)", self.args.conninfo)[1]], stdout=log, stderr=log, check=True)
            daemon.terminate()
            daemon.wait(30)
        late, versions = self.visible(server)
        child.stdin.close()
        child.wait(30)
        self.sql("select pg_drop_replication_slot('ezcdc_fresh')")
        return late, versions

    def freshness(self):
        """From INSERT to visible in StarRocks, with the settings that a job has when it has none."""
        heading("Freshness in StarRocks at 1000 commits a second, default settings", "milliseconds from INSERT sent to the row being visible "
                "in the test server, which publishes 100 ms after a commit")
        row("", "p50", "p99", "max", "rows", "loads a second")
        for profile in ("4.0", "3.3"):
            late, versions = self.freshness_of(profile, 1000, 20)
            row(f"version {profile}", *(f"{quantile(late, q):.0f}" for q in (0.5, 0.99, 1)), len(late), f"{versions / 20:.1f}")

    # ------------------------------------------------------------ snapshot

    def copy_engine(self, readers):
        argv = self.job("copy", f'snapshot = "only"; snapshot_workers = {readers}; tables = [ "public.big_orders" ];')
        run = self.check(Run(argv, self.log, self.env, "any"), "dbmazz")
        return run

    def snapshot(self):
        """A copy against COPY to nowhere."""
        rows = self.n(1000000)
        heading(f"Copying {rows} rows of 12 columns into the file sink", "against COPY to nowhere")
        self.sql(f"insert into big_orders select * from order_rows(1, {rows})")
        self.sql("vacuum freeze analyze big_orders")
        clients = {
            "dbmazz, 1 reader": lambda: self.copy_engine(1), "COPY, 1": lambda: self.copyout(1),
            "dbmazz, 2 readers": lambda: self.copy_engine(2), "COPY, 2": lambda: self.copyout(2),
        }
        runs = {c: [] for c in clients}
        for i in range(self.args.rounds):
            for client, go in clients.items():
                runs[client].append(go())
            note(f"round {i + 1} of {self.args.rounds}, " + ", ".join(
                f"{c} {rows / runs[c][-1].seconds / 1000:.0f}k/s" for c in clients))
        row("", "rows/s", "/ COPY", "/ 1 reader", "peak RSS", "stolen")
        for client, own in runs.items():
            readers = client.split()[1]
            one = "dbmazz, 1 reader" if client.startswith("dbmazz") else "COPY, 1"
            row(client, rate(own, rows), ratio(runs[f"COPY, {readers}"], own), ratio(runs[one], own),
                mib(max(r.peak_kb for r in own)), stolen(own))

    def copyout(self, connections):
        return self.check(Run([self.tool("copyout"), self.args.conninfo, "public.big_orders", str(connections)], self.log,
                              watch="any"), "copyout")

    # ------------------------------------------------------------ latency

    def ticks(self, client, pattern, seconds=8, rate_per_s=200):
        """Commits at a steady rate while `client` runs; microseconds from just before the INSERT to the line in the file."""
        script = self.path("tick.sql")
        with open(script, "w", encoding="utf-8") as f:
            f.write("insert into ticks (sent) values ((extract(epoch from clock_timestamp()) * 1000000)::bigint);\n")
        with open(self.log, "ab") as log:
            child = subprocess.Popen(client, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self.env)
            # The session that writes must find the client streaming.
            for _ in range(300):
                if self.sql("select count(*) from pg_stat_replication where state = 'streaming'") == "1":
                    break
                time.sleep(0.1)
            follow = subprocess.Popen([self.tool("follow"), pattern, str(seconds * rate_per_s - 50), str(seconds + 20)],
                                      stdout=subprocess.PIPE, text=True)
            subprocess.run(["pgbench", "-n", "-c", "1", "-M", "prepared", "-R", str(rate_per_s), "-T", str(seconds), "-f", script,
                            re.search(r"dbname=(\S+)", self.args.conninfo)[1]], stdout=log, stderr=log, check=True)
            late = sorted(int(x) for x in follow.communicate()[0].split())
            child.terminate()
            child.wait(30)
        return late[len(late) // 20:] if late else []

    def latency(self):
        """From INSERT to the line in the file."""
        heading("Latency at 200 commits a second, max_age = 0ms", "microseconds from INSERT sent to the line being readable in the file")
        self.sql("select pg_create_logical_replication_slot('lat', 'pgoutput')")
        found = {"dbmazz": [], "floor": []}
        for i in range(self.args.rounds):
            for name in found:
                self.sql("select pg_copy_logical_replication_slot('lat', 'run')")
                if name == "floor":
                    argv = [self.tool("floor"), self.args.conninfo, "run", "bench", "0/0", self.path("floor.jsonl")]
                    found[name].append(self.ticks(argv, self.path("floor.jsonl")))
                else:
                    argv = self.job("lat", 'slot = "run"; snapshot = "never"; create = false;', 'batch = { max_age = "0ms"; };')
                    found[name].append(self.ticks(argv, self.path("lat/out/lat-t*")))
                self.sql("select pg_drop_replication_slot('run')")
                self.sql("select pg_replication_slot_advance('lat', pg_current_wal_lsn())")
            note(f"latency: round {i + 1} of {self.args.rounds}, " + ", ".join(
                f"{name} p50 {quantile(runs[-1], 0.5)}" for name, runs in found.items()))
        row("", "p50", "p99", "max", "commits")
        for name, runs in found.items():
            row(name, *(f"{statistics.median(quantile(r, q) for r in runs):.0f}" for q in (0.5, 0.99, 1)), sum(map(len, runs)))

    # ------------------------------------------------------------ idle, memory

    def idle(self):
        """CPU and memory of a job with nothing to do."""
        heading("An idle job", "connected, streaming, nothing to do")
        argv = self.job("idle", 'tables = [ "public.ticks" ]; snapshot = "never";')
        with open(self.log, "ab") as log:
            child = subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self.env)
        time.sleep(3)
        if child.poll() is not None:
            self.fail("dbmazz", child.returncode)
        seconds = 20
        first = cpu_of(child.pid)
        time.sleep(seconds)
        used = cpu_of(child.pid) - first
        with open(f"/proc/{child.pid}/smaps_rollup", encoding="ascii") as f:
            memory = dict(re.findall(r"^(\w+): +(\d+) kB", f.read(), re.M))
        child.terminate()
        child.wait(30)
        row("", "CPU, % of a core", "RSS", "PSS", "private")
        private = int(memory["Private_Clean"]) + int(memory["Private_Dirty"])
        row(f"{seconds} s", f"{100 * used / seconds:.2f}", mib(int(memory["Rss"])), mib(int(memory["Pss"])), mib(private))
        self.sql("select pg_drop_replication_slot('ezcdc_idle')")

    def memory(self):
        """Peak memory over a very large transaction."""
        rows = self.n(2000000)
        heading("Memory over one large transaction", "peak RSS; the job's budget is 64 MiB")
        self.sql("truncate orders")
        small = self.load("m_small", self.n(200000), 1000, "insert into orders select * from order_rows({first}, {n})")
        self.sql("truncate orders")
        large = self.load("m_large", rows, rows, "insert into orders select * from order_rows({first}, {n})")
        row("", "peak RSS", "rows/s", "seconds")
        for title, base, end, n in (("1000-row transactions", "m_small", small, self.n(200000)),
                                    (f"one transaction of {rows} rows", "m_large", large, rows)):
            self.sql(f"select pg_copy_logical_replication_slot('{base}', 'run')")
            run = self.drain_engine(end)
            self.sql("select pg_drop_replication_slot('run')")
            row(title, mib(run.peak_kb), f"{n / run.seconds / 1000:.0f}k", f"{run.seconds:.1f}")


# ---------------------------------------------------------------- printing



def heading(title, below):
    print(f"\n## {title}\n{below}\n", flush=True)


def row(first, *cells):
    print(f"{first:<30}" + "".join(f"{str(c):>15}" for c in cells), flush=True)


def note(text):
    print(f"   {text}", file=sys.stderr, flush=True)


def rate(runs, rows):
    rates = [rows / r.seconds / 1000 for r in runs]
    return f"{statistics.median(rates):.0f} ({min(rates):.0f}-{max(rates):.0f})"


def ratio(slow, fast):
    """How much faster `fast` is, within each round."""
    ratios = [a.seconds / b.seconds for a, b in zip(slow, fast)]
    return f"{statistics.median(ratios):.2f}x"


def share(runs):
    """The client's CPU as a part of the walsender's."""
    ratios = [r.cpu / r.server_cpu for r in runs if r.server_cpu]
    return f"{statistics.median(ratios):.2f}" if ratios else "?"


def mib(kb):
    return f"{kb / 1024:.1f} MiB"


def stolen(runs):
    values = [r.steal for r in runs]
    return f"{statistics.median(values):.0f}-{max(values):.0f} %"


def quantile(values, q):
    return values[min(len(values) - 1, int(len(values) * q))] if values else -1


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--build", required=True)
    ap.add_argument("--folder", required=True)
    ap.add_argument("--pg-bin", required=True)
    ap.add_argument("--conninfo", required=True)
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--scale", type=int, default=100)
    ap.add_argument("--only", default="drain,starrocks,freshness,snapshot,latency,idle,memory")
    args = ap.parse_args()
    bench = Bench(args)
    bench.sql(TABLES)
    print(f"{bench.sql('select version()').split(',')[0]}, fsync=off; {os.cpu_count()} cores; {args.rounds} rounds, interleaved; "
          f"scale {args.scale} %")
    for part in args.only.split(","):
        getattr(bench, part)()
    print(f"\nCPU stolen by the hypervisor, per run: median {statistics.median(bench.steals or [0]):.1f} %, "
          f"most {max(bench.steals or [0]):.1f} %")


if __name__ == "__main__":
    main()
