"""The same program as session.py with aiohttp in urllib's place, which knows of no proxy:

    dingmock run -- python3 session_aiohttp.py
"""
import asyncio

import aiohttp

BASE = "https://oapi.dingtalk.com"


async def main():
    async with aiohttp.ClientSession() as http:

        async def ask(path, query, body=None):
            async with http.request("GET" if body is None else "POST", BASE + path, params=query, json=body) as reply:
                answer = await reply.json(content_type=None)
                if answer["errcode"] != 0:
                    raise SystemExit(f"{path}: {answer}")
                return answer

        token = (await ask("/gettoken", {"appkey": "mock-aiohttp", "appsecret": "any"}))["access_token"]
        session = {"session_id": "s-aiohttp", "app_key": "mock-aiohttp", "user_id": "u-aiohttp"}
        await ask("/topapi/v2/im/create_session", {"access_token": token}, session)
        answer = await ask("/topapi/v2/user/getsession", {"access_token": token}, {"userid": "u-aiohttp"})
        await ask("/topapi/v2/im/close_session", {"access_token": token}, session)
        print("closed", answer["result"]["session"]["session_id"])


asyncio.run(main())
