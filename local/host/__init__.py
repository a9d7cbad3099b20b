"""Runs a Python function app on this machine as the Azure Functions host does. Development only.

The engine is Microsoft's own worker library (`azure-functions-runtime`), driven as Azure drives it for Python 3.13:
it indexes the app and does every binding's decoding and encoding. Here is only what surrounds it. README.md says what
is as in Azure and what still differs.

Process model::

    supervisor (python -m local.host)           settings, host.json, the listening socket, the ready file
      ├─ instance 1 (start_worker, worker)      the host of one *instance* of the app in Azure: HTTP, queues, timers
      │    └─ the app (python_worker)           indexing and handlers, nothing else
      └─ instance N

- Each instance loads the app itself, polls every queue itself (`batchSize` and `newBatchThreshold` count per
  instance) and accepts HTTP from the socket they all inherit.
- Host and app are two processes, as in Azure: a handler that blocks stops neither lease renewal nor time-outs, and
  the app's process can crash, or be killed by the host, without the host.
- The supervisor starts another instance in place of one that ended. The listening socket stays open meanwhile, so a
  request waits rather than fails.
- A killed instance's messages come back when their lease ends (`--lease-seconds`; ten minutes in Azure).
- Timers run in the instance that holds the timer's blob lease.
- HTTP functions are tried in the order of their names, whatever their templates. What asks for a key, `/admin`
  included, opens to `--master-key` alone. An answer takes 230 s at most (`--answer-seconds`).
- `--isolate` makes each instance serve one *group* of functions, as Flex Consumption scales them: all HTTP
  functions share one (`http`), every queue and timer function has its own (`function:NAME`). A scale controller in
  the supervisor starts an instance when its queue has a visible message, its schedule is due or a connection waits,
  and drains it when it had nothing to do for `--idle-seconds`; `--always-ready` names groups that never stop, as
  `alwaysReady` does; `--workers` is the most of a group. A killed instance is not replaced: it is started again when
  there is work. `scaling.py` decides, `scale_controller.py` looks.
- `--bare` runs the app from its deployment package alone: `.python_packages/lib/site-packages` first, then what
  the worker needs and the app does not bring, the standard library, the app's folder. What comes from elsewhere fails
  the start.
"""
