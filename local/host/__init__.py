"""Runs a Python function app on this machine as the Azure Functions host does. Development only.

The engine is Microsoft's own worker library (`azure-functions-runtime`): it indexes the app and does
every binding's decoding and encoding. Here is only what surrounds it.

Process model::

    supervisor (python -m local.host)           settings, host.json, the listening socket, the ready file
      ├─ worker process 1                       stands for one *instance* of the app in Azure
      │    main thread: the app's event loop    indexing and handlers, nothing else
      │    host thread: the host's event loop   HTTP, queues, timers, time-outs
      └─ worker process N

- Each worker process loads the app itself, polls every queue itself (`batchSize` and
  `newBatchThreshold` count per process) and accepts HTTP from the socket they all inherit.
- The two loops of a process keep a handler that blocks from stopping lease renewal and time-outs, which
  in Azure live in another process.
- The supervisor starts another process in place of one that died or timed out. The listening socket
  stays open meanwhile, so a request waits rather than fails.
- A killed process's messages come back when their lease ends (`--lease-seconds`; ten minutes in Azure).
- Timers run in the process that holds the timer's blob lease.
- `--isolate` makes each process an instance of one *group* of functions, as Flex Consumption scales them: all HTTP
  functions share one (`http`), every queue and timer function has its own (`function:NAME`). A scale controller in
  the supervisor starts an instance when its queue has a visible message, its schedule is due or a connection waits,
  and drains it when it had nothing to do for `--idle-seconds`; `--always-ready` names groups that never stop, as
  `alwaysReady` does; `--workers` is the most of a group. A killed instance is not replaced: it is started again when
  there is work. `scaling.py` decides, `scale_controller.py` looks.
- `--bare` runs the app from its deployment package alone: `.python_packages/lib/site-packages` first, then what
  the host needs and the app does not bring, the standard library, the app's folder. What comes from elsewhere fails
  the start.
"""
