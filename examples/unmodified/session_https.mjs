// The same program as session.mjs with Node's https module in fetch's place:
//   dingmock run -- node session_https.mjs
import https from 'node:https'

const base = 'https://oapi.dingtalk.com'

const ask = (path, query, body) => new Promise((resolve, reject) => {
  const request = https.request(`${base}${path}?${new URLSearchParams(query)}`, {
    method: body ? 'POST' : 'GET',
    headers: body ? { 'Content-Type': 'application/json' } : {},
  }, async (reply) => {
    let text = ''
    for await (const part of reply) text += part
    const answer = JSON.parse(text)
    if (answer.errcode === 0) resolve(answer)
    else reject(new Error(`${path}: ${text}`))
  })
  request.on('error', reject)
  request.end(body && JSON.stringify(body))
})

const { access_token } = await ask('/gettoken', { appkey: 'mock-node-https', appsecret: 'any' })
const session = { session_id: 's-node-https', app_key: 'mock-node-https', user_id: 'u-node' }
await ask('/topapi/v2/im/create_session', { access_token }, session)
const { result } = await ask('/topapi/v2/user/getsession', { access_token }, { userid: 'u-node' })
await ask('/topapi/v2/im/close_session', { access_token }, session)
console.log('closed', result.session.session_id)
