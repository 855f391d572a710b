# SPDX-License-Identifier: Apache-2.0
dist_man_MANS += docs/man/dbmazz.1 docs/man/ezcdc.1 docs/man/ezcdc-job.5 docs/man/ezcdc-worker.8
dist_bashcompletion_DATA += docs/completion/dbmazz docs/completion/ezcdc
dist_doc_DATA += README.md docs/architecture.md docs/operations.md docs/performance.md docs/worker-protocol.md
EXTRA_DIST += deploy/systemd/ezcdc-worker.service
