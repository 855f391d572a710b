# SPDX-License-Identifier: Apache-2.0
"""How many workers are wanted, and an Auto Scaling group that follows."""

import json
import os
import re
import signal

from api import Api, Worker, await_that, catalog, expect, main, make_pair
from aws import Aws

api = Api(os.environ["ADMIN_TOKEN"])
T = os.environ["T"]
aws = Aws(int(os.environ["AWS_PORT"]), {"AKFILE": ("file/secret+1", None), "AKROLE": ("role/secret", "session/token==")})
aws.metadata["iam/security-credentials/"] = "the-role"
aws.metadata["iam/security-credentials/the-role"] = json.dumps(
    {"AccessKeyId": "AKROLE", "SecretAccessKey": "role/secret", "Token": "session/token==", "Expiration": "2099-01-01T00:00:00Z"})
state = {"jobs": []}


def log(name="main"):
    return open(os.path.join(T, f"control-{name}", "log")).read()


def numbers():
    text = api.get("/metrics").data.decode()
    found = re.findall(r'^ezcdc_control_workers_(wanted|current)\{deployment="a \\"b\\""\} (\d+)$', text, re.M)
    assert len(found) == 2, text
    return tuple(int(dict(found)[what]) for what in ("wanted", "current"))


def becomes(n):
    await_that(f"a group of {n}, not {aws.calls[-1:]} {aws.faults}", lambda: aws.calls and int(aws.calls[-1]["DesiredCapacity"]) == n)


def add_jobs(n):
    for _ in range(n):
        body = {"name": f"j{len(state['jobs'])}", "deployment_id": state["deployment"], "source_id": state["source"],
                "sink_id": state["sink"], "tables": ["public.a"]}
        state["jobs"].append(expect(api.post("/api/jobs", body), 201)["job_id"])


def add_worker(name):
    w = Worker(state["token"], name, max_jobs=2)
    w.register()
    return w


def credentials_that_others_may_read_are_refused():
    state["deployment"] = expect(api.post("/api/deployments", {"name": 'a "b"'}), 201)["deployment_id"]
    state["token"] = expect(api.post(f"/api/deployments/{state['deployment']}/tokens"), 201)["token"]
    os.chmod(os.path.join(T, "credentials"), 0o644)
    await_that("a complaint", lambda: "its mode must be 0600" in log() or aws.calls)
    os.chmod(os.path.join(T, "credentials"), 0o600)


def a_group_has_its_least_size_without_jobs():
    becomes(1)
    call = dict(aws.calls[-1])
    assert call == {"Action": "SetDesiredCapacity", "Version": "2011-01-01", "AutoScalingGroupName": "workers/a b&c",
                    "DesiredCapacity": "1", "HonorCooldown": "false", "key": "AKFILE"}, call
    assert numbers() == (1, 0)


def it_grows_with_jobs():
    state["one"], state["two"] = add_worker("one"), add_worker("two")
    state["source"], state["sink"] = make_pair(api, state["deployment"])
    add_jobs(4)
    # Two a worker: four jobs and room for one more.
    assert numbers() == (3, 2), numbers()
    becomes(3)
    for w in (state["one"], state["two"]):
        w.poll()
        assert len(w.jobs) == 2, w.jobs
    assert numbers() == (3, 2), numbers()


def it_never_passes_its_greatest_size():
    add_jobs(8)
    assert numbers() == (7, 2), numbers()
    becomes(4)


def what_aws_refuses_is_said_once_and_tried_again():
    aws.refusal = "<E><Code>ScalingActivityInProgress</Code><Message>not now</Message></E>"
    before = len(aws.calls)
    for job in state["jobs"][4:]:
        expect(api.post(f"/api/jobs/{job}/stop", {}), 200)
    await_that("two tries", lambda: aws.refused >= 2, 15)
    assert len(aws.calls) == before
    assert log().count("ScalingActivityInProgress: not now") == 1, log()
    aws.refusal = None


def it_shrinks_after_the_cooldown():
    becomes(3)
    # A worker that a person drains holds a place; its jobs wait for others.
    expect(api.post(f"/api/workers/{state['two'].id}/drain", {"drain": True}), 200)
    assert numbers() == (3, 1), numbers()
    becomes(4)
    expect(api.post(f"/api/workers/{state['two'].id}/drain", {"drain": False}), 200)


def held_jobs_count_whatever_the_limit_says():
    rows = catalog("select wanted, must from deployment_scale(0)")
    held = int(catalog("select count(*) from jobs where worker_id is not null"))
    assert rows == f"2|{(held + 1) // 2}", rows
    catalog("update workers set max_jobs = 1")
    assert catalog("select must from deployment_scale(0)") == str(held)
    # Jobs that wait for a worker of their own do not make others useful; a task wants one.
    catalog(f"update jobs set status = 'pending', worker_id = null, pinned_worker_id = '{state['one'].id}' where desired <> 'stopped'")
    assert catalog("select wanted, must from deployment_scale(0)") == "0|0"
    catalog(f"insert into tasks (deployment_id, kind) values ('{state['deployment']}', 'tables')")
    assert catalog("select wanted from deployment_scale(0)") == "1"


def another_leader_goes_on_with_its_role():
    assert {c["key"] for c in aws.calls} == {"AKFILE"}
    os.kill(int(os.environ["CONTROL_PID_main"]), signal.SIGKILL)
    await_that("the other's call", lambda: aws.calls[-1]["key"] == "AKROLE", 15)
    assert not aws.faults, aws.faults
    for secret in ("file/secret", "role/secret", "session/token"):
        assert secret not in log() + log("second")


main(credentials_that_others_may_read_are_refused, a_group_has_its_least_size_without_jobs, it_grows_with_jobs,
     it_never_passes_its_greatest_size, what_aws_refuses_is_said_once_and_tried_again, it_shrinks_after_the_cooldown,
     held_jobs_count_whatever_the_limit_says, another_leader_goes_on_with_its_role)
