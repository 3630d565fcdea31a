"""The unmodified `openai` client against your own server. First: `vivavoce serve`.

python examples/openai_client.py
"""

import asyncio
import os

from openai import AsyncOpenAI

BASE_URL = os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1")


async def main() -> None:
    """Hold one written turn."""
    client = AsyncOpenAI(base_url=BASE_URL, api_key=os.environ.get("VIVAVOCE_API_KEY", "none"))
    async with client.realtime.connect(model="vivavoce-local") as connection:
        await connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
        await connection.conversation.item.create(
            item={
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "Hello! What can you do?"}],
            }
        )
        await connection.response.create()
        async for event in connection:
            if event.type == "response.output_text.delta":
                print(event.delta, end="", flush=True)
            elif event.type == "response.done":
                print()
                break


if __name__ == "__main__":
    asyncio.run(main())
