#!/bin/sh
# A program that knows the platform by its real address alone. Run it against a fake of its own with
#   dingmock run -- ./session.sh
set -eu
base=https://oapi.dingtalk.com
token=$(curl -fsS "$base/gettoken?appkey=mock-curl&appsecret=any" | grep -o '[0-9a-f]\{32\}')
call() { curl -fsS -H 'Content-Type: application/json' -d "$2" "$base$1?access_token=$token"; }
session='{"session_id":"s-curl","app_key":"mock-curl","user_id":"u-curl"}'
call /topapi/v2/im/create_session "$session" | grep -q '"errcode":0'
call /topapi/v2/user/getsession '{"userid":"u-curl"}' | grep -q '"session_id":"s-curl"'
call /topapi/v2/im/close_session "$session" | grep -q '"success":true'
echo closed s-curl
