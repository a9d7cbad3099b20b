// Loaded into CLI for Microsoft 365 by tests/simulator/m365_cli.py. What is meant for Microsoft Entra and Microsoft
// Graph goes to the simulator on this machine, over TLS and under the same names, so that the client sees no difference;
// whatever is meant for anybody else goes nowhere.
const tls = require("tls");

const LOCAL = new Set(["graph.microsoft.com", "login.microsoftonline.com"]);
const connect = tls.connect;

tls.connect = function (options, ...rest) {
  const name = options.servername || options.host;
  if (!LOCAL.has(name)) {
    throw new Error(`${name} is not simulated`);
  }
  const port = Number(process.env.SIMULATOR_TLS_PORT);
  return connect.call(tls, { ...options, host: "127.0.0.1", port, servername: name }, ...rest);
};
