"""A program that knows the platform by its real address alone. Run it against a fake of its own with

    dingmock run -- python3 session.py
"""
import json
import urllib.parse
import urllib.request

BASE = "https://oapi.dingtalk.com"


def ask(path, query, body=None):
    request = urllib.request.Request(f"{BASE}{path}?{urllib.parse.urlencode(query)}")
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request) as reply:
        answer = json.load(reply)
    if answer["errcode"] != 0:
        raise SystemExit(f"{path}: {answer}")
    return answer


token = ask("/gettoken", {"appkey": "mock-python", "appsecret": "any"})["access_token"]
session = {"session_id": "s-python", "app_key": "mock-python", "user_id": "u-python"}
ask("/topapi/v2/im/create_session", {"access_token": token}, session)
current = ask("/topapi/v2/user/getsession", {"access_token": token}, {"userid": "u-python"})["result"]["session"]
ask("/topapi/v2/im/close_session", {"access_token": token}, session)
print("closed", current["session_id"])
