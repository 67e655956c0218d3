# The same program in Ruby:
#   dingmock run -- ruby session.rb
require "json"
require "net/http"

BASE = "https://oapi.dingtalk.com"

def ask(path, query, body = nil)
  uri = URI("#{BASE}#{path}?#{URI.encode_www_form(query)}")
  reply = body ? Net::HTTP.post(uri, JSON.generate(body), "Content-Type" => "application/json") : Net::HTTP.get_response(uri)
  answer = JSON.parse(reply.body)
  abort "#{path}: #{answer}" unless answer["errcode"] == 0
  answer
end

token = ask("/gettoken", { appkey: "mock-ruby", appsecret: "any" })["access_token"]
session = { session_id: "s-ruby", app_key: "mock-ruby", user_id: "u-ruby" }
ask("/topapi/v2/im/create_session", { access_token: token }, session)
current = ask("/topapi/v2/user/getsession", { access_token: token }, { userid: "u-ruby" })["result"]["session"]
ask("/topapi/v2/im/close_session", { access_token: token }, session)
puts "closed #{current["session_id"]}"
