// Remembers the page's peer connections, so that a test can ask which way their media take.
{
  const connections = (window.testConnections = []);
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args);
      connections.push(this);
    }
  };
}
