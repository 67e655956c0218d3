// Written by dingmock run and preloaded by NODE_OPTIONS. Connections to the names go to the fake: Node has a proxy of
// its own (NODE_USE_ENV_PROXY) since 22.21 and 24.5 alone.
'use strict'
const net = require('node:net')
const settings = SETTINGS

const redirected = (options) => {
  if (options === null || typeof options !== 'object' || typeof options.host !== 'string') return options
  if (!settings.names.includes(options.host.toLowerCase().replace(/\.$/, ''))) return options
  const to = Number(options.port) === 80 ? settings.plain : settings.tls
  return { ...options, host: to.host, port: Number(to.port), lookup: undefined }
}

const connect = net.Socket.prototype.connect
net.Socket.prototype.connect = function (...args) {
  if (Array.isArray(args[0])) { // as net.connect hands them on
    args[0][0] = redirected(args[0][0])
  } else {
    args[0] = redirected(args[0])
  }
  return connect.apply(this, args)
}
