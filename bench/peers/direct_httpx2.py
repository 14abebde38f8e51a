"""A floor: the same call with httpx2 and nothing around it. A number on a line asks for that many calls.

With the argument `fresh` each call has a connection of its own.
"""

import asyncio
import json
import os
import sys
import time

import httpx2


async def make_calls(api: httpx2.AsyncClient, count: int) -> dict[str, object]:
    latencies = []
    cpu = time.process_time()
    for number in range(count):
        began = time.perf_counter()
        body = {"kind": "fact", "key": f"key-{number}-", "value": "#3B82F6"}
        (await api.post("services/ai/v1/memory/save", json=body)).raise_for_status()
        latencies.append(time.perf_counter() - began)
    return {"cpu": time.process_time() - cpu, "latencies": latencies}


async def serve() -> None:
    limits = httpx2.Limits(max_keepalive_connections=0 if "fresh" in sys.argv else None)
    headers = {"Authorization": f"Bearer {os.environ['API_TOKEN']}"}
    async with httpx2.AsyncClient(base_url=os.environ["API_BASE_URL"], headers=headers, limits=limits) as api:
        for line in sys.stdin:
            print(json.dumps(await make_calls(api, int(line))), flush=True)


asyncio.run(serve())
