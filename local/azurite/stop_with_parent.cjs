// Loaded into Azurite by local/azurite.py. The launcher holds the other end of standard input: when it
// dies without a word (SIGKILL, a crash), Azurite stops too instead of staying behind.
process.stdin.on("end", () => process.kill(process.pid, "SIGTERM"));
process.stdin.resume();
process.stdin.unref();
