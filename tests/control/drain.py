# SPDX-License-Identifier: Apache-2.0
"""ezcdc-drain drains when the instance is to end, and tells the group with a signature that fits; and the first boot before it."""

import json
import os
import re
import stat
import subprocess
import textwrap

from api import await_that, main
from aws import REGION, Aws

T = os.environ["T"]
DRAIN = os.path.join(os.environ["EZ_SRC"], "deploy/aws/ezcdc-drain")


class Run:
    """A drain with an instance of its own. Its command fails the first time, and notes each call."""

    def __init__(self, name, **env):
        self.notes = os.path.join(T, name)
        command = os.path.join(T, name + ".sh")
        with open(command, "w") as f:
            f.write(f"#!/bin/sh\necho drain >>{self.notes}\n[ $(wc -l <{self.notes}) -gt 1 ]\n")
        os.chmod(command, 0o700)
        self.aws = Aws(keys={"AKROLE": ("role/se+cret", "session/token==")})
        self.aws.metadata = {
            "placement/region": REGION, "instance-id": "i-0123", "iam/security-credentials/": "the-role\n",
            "autoscaling/target-lifecycle-state": "InService",
            "iam/security-credentials/the-role": json.dumps(
                {"Code": "Success", "AccessKeyId": "AKROLE", "SecretAccessKey": "role/se+cret", "Token": "session/token=="}, indent=2)}
        url = f"http://127.0.0.1:{self.aws.port}"
        self.process = subprocess.Popen([DRAIN], stderr=subprocess.PIPE, text=True, env={
            "PATH": os.environ["PATH"], "EZCDC_METADATA": url, "EZCDC_AUTOSCALING": url, "EZCDC_GROUP": "workers a&b",
            "EZCDC_HOOK": "drain", "EZCDC_DRAIN_EVERY": "0.1", "EZCDC_DRAIN_COMMAND": command, **env})

    def drains(self):
        return len(open(self.notes).readlines()) if os.path.exists(self.notes) else 0

    def end(self):
        self.process.kill()
        return self.process.communicate()[1]


def a_group_that_ends_an_instance_waits_for_the_drain():
    run = Run("leaving")
    run.aws.metadata["events/recommendations/rebalance"] = '{"noticeTime": "2026-01-01T00:00:00Z"}'
    run.aws.refusal = "<E><Code>Throttling</Code></E>"
    try:
        run.process.wait(0.5)
    except subprocess.TimeoutExpired:
        pass
    assert run.drains() == 0
    run.aws.token = "another"  # the first one has ended
    run.aws.metadata["autoscaling/target-lifecycle-state"] = "Terminated"
    await_that("a refused call", lambda: run.aws.refused)
    run.aws.refusal = None
    said = run.process.communicate(timeout=20)[1]
    assert run.process.returncode == 0 and run.drains() == 2, said
    call = {"Action": "CompleteLifecycleAction", "Version": "2011-01-01", "LifecycleActionResult": "CONTINUE", "InstanceId": "i-0123",
            "AutoScalingGroupName": "workers a&b", "LifecycleHookName": "drain", "key": "AKROLE"}
    assert run.aws.calls == [call] and not run.aws.faults, (run.aws.calls, run.aws.faults)
    assert said.count("its group ends this instance") == 2 and "cret" not in said, said


def a_spot_instance_that_is_taken_back_is_drained_once():
    run = Run("spot")
    run.aws.metadata["spot/instance-action"] = '{"action": "terminate", "time": "2026-01-01T00:00:00Z"}'
    await_that("the drain", lambda: run.drains() == 2)
    try:
        run.process.wait(0.5)
    except subprocess.TimeoutExpired:
        pass
    said = run.end()
    assert run.drains() == 2 and not run.aws.calls and "taken back" in said, said


def risk_counts_when_it_shall():
    run = Run("risk", EZCDC_DRAIN_ON_REBALANCE="yes")
    run.aws.metadata["events/recommendations/rebalance"] = '{"noticeTime": "2026-01-01T00:00:00Z"}'
    await_that("the drain", lambda: run.drains() == 2)
    assert "at risk" in run.end()


def first_boot_text():
    """What the template has an instance run, with its parameters filled in."""
    lines = open(os.path.join(os.environ["EZ_SRC"], "deploy/aws/workers.yaml")).read().split("\n")
    begin = next(i for i, line in enumerate(lines) if line.strip() == "Fn::Base64: !Sub |") + 1
    depth = len(lines[begin]) - len(lines[begin].lstrip())
    end = next(i for i in range(begin, len(lines)) if lines[i] and not lines[i].startswith(" " * depth))
    values = {"AWS::Region": REGION, "AWS::StackName": "site", "MaxJobs": "7", "ControlHost": "control.example.com",
              "TokenSecretArn": "arn:aws:secretsmanager:the-secret"}
    return re.sub(r"\$\{([^}]+)\}", lambda m: values[m[1]], textwrap.dedent("\n".join(lines[begin:end])))


def the_first_boot_writes_what_the_worker_takes():
    aws = Aws()
    aws.metadata["instance-id"] = "i-0123"
    etc, bin_dir, notes = (os.path.join(T, name) for name in ("etc", "bin", "boot"))
    os.mkdir(bin_dir)
    for name, text in (("aws", "echo the-token"), ("systemctl", ":"), ("chown", ":"), ("getent", "exit 2"), ("useradd", ":")):
        with open(os.path.join(bin_dir, name), "w") as f:
            f.write(f'#!/bin/sh\necho "{name} $*" >>{notes}\n{text}\n')
        os.chmod(os.path.join(bin_dir, name), 0o700)
    text = first_boot_text().replace("/etc/ezcdc", etc).replace("http://169.254.169.254", f"http://127.0.0.1:{aws.port}")
    subprocess.run(["bash", "-c", text], check=True, env={"PATH": bin_dir + ":" + os.environ["PATH"]})
    token, config = os.path.join(etc, "deployment.token"), os.path.join(etc, "worker.conf")
    assert open(token).read() == "the-token\n" and stat.S_IMODE(os.stat(token).st_mode) == 0o600
    assert open(os.path.join(etc, "drain.env")).read() == "EZCDC_GROUP=site-workers\nEZCDC_HOOK=drain\n"
    said = open(notes).read()
    for line in (f"chown ezcdc: {token}", "systemctl enable --now ezcdc-worker.service ezcdc-drain.service",
                 f"aws --region {REGION} secretsmanager get-secret-value --secret-id arn:aws:secretsmanager:the-secret "
                 "--query SecretString --output text"):
        assert line + "\n" in said, said
    assert 'name = "i-0123";' in open(config).read()
    subprocess.run([os.path.join(os.environ["EZ_BUILD"], "ezcdc-worker"), "--config=" + config, "--check"], check=True)


def the_template_and_the_drain_mean_one_hook():
    text = open(os.path.join(os.environ["EZ_SRC"], "deploy/aws/workers.yaml")).read()
    assert re.findall(r"LifecycleHookName: (\S+)", text) == re.findall(r"EZCDC_HOOK=(\w+)\\n", text) == ["drain"]
    assert text.count("${AWS::StackName}-workers") == 4


main(the_first_boot_writes_what_the_worker_takes, the_template_and_the_drain_mean_one_hook,
     a_group_that_ends_an_instance_waits_for_the_drain, a_spot_instance_that_is_taken_back_is_drained_once, risk_counts_when_it_shall)
