"""The same program as session.py with httpx in urllib's place:

    dingmock run -- python3 session_httpx.py
"""
import httpx

BASE = "https://oapi.dingtalk.com"


def ask(path, query, body=None):
    reply = httpx.request("GET" if body is None else "POST", BASE + path, params=query, json=body, timeout=30)
    answer = reply.json()
    if answer["errcode"] != 0:
        raise SystemExit(f"{path}: {answer}")
    return answer


token = ask("/gettoken", {"appkey": "mock-httpx", "appsecret": "any"})["access_token"]
session = {"session_id": "s-httpx", "app_key": "mock-httpx", "user_id": "u-httpx"}
ask("/topapi/v2/im/create_session", {"access_token": token}, session)
current = ask("/topapi/v2/user/getsession", {"access_token": token}, {"userid": "u-httpx"})["result"]["session"]
ask("/topapi/v2/im/close_session", {"access_token": token}, session)
print("closed", current["session_id"])
