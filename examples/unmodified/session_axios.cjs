// The same program as session.mjs with axios in fetch's place:
//   dingmock run -- node session_axios.cjs
const axios = require('axios')

const http = axios.create({ baseURL: 'https://oapi.dingtalk.com' })

const ask = async (path, params, data) => {
  const { data: answer } = await http.request({ url: path, method: data ? 'post' : 'get', params, data })
  if (answer.errcode !== 0) throw new Error(`${path}: ${JSON.stringify(answer)}`)
  return answer
}

const main = async () => {
  const { access_token } = await ask('/gettoken', { appkey: 'mock-axios', appsecret: 'any' })
  const session = { session_id: 's-axios', app_key: 'mock-axios', user_id: 'u-axios' }
  await ask('/topapi/v2/im/create_session', { access_token }, session)
  const { result } = await ask('/topapi/v2/user/getsession', { access_token }, { userid: 'u-axios' })
  await ask('/topapi/v2/im/close_session', { access_token }, session)
  console.log('closed', result.session.session_id)
}

main()
