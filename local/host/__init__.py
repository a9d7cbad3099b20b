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
- `--bare` runs the app from its deployment package alone: `.python_packages/lib/site-packages` first, then what
  the host needs and the app does not bring, the standard library, the app's folder. What comes from elsewhere fails
  the start.
"""
