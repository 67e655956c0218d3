// A program that knows the platform by its real address alone. Run it against a fake of its own with
//   dingmock run -- node session.mjs
const base = 'https://oapi.dingtalk.com'

const ask = async (path, query, body) => {
  const reply = await fetch(`${base}${path}?${new URLSearchParams(query)}`, body && {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
  const answer = await reply.json()
  if (answer.errcode !== 0) throw new Error(`${path}: ${JSON.stringify(answer)}`)
  return answer
}

const { access_token } = await ask('/gettoken', { appkey: 'mock-node', appsecret: 'any' })
const session = { session_id: 's-node', app_key: 'mock-node', user_id: 'u-node' }
await ask('/topapi/v2/im/create_session', { access_token }, session)
const { result } = await ask('/topapi/v2/user/getsession', { access_token }, { userid: 'u-node' })
await ask('/topapi/v2/im/close_session', { access_token }, session)
console.log('closed', result.session.session_id)
