"""The least that FastAPI can do: a route with one dependency, which returns a model."""

from typing import Annotated

from fastapi import Depends, FastAPI
from pydantic import BaseModel

app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})


class Item(BaseModel):
    """Something to return."""

    id: str
    title: str


async def caller() -> str:
    """Return who is calling."""
    return "somebody"


@app.get("/items/{id}")
async def read(id: str, caller: Annotated[str, Depends(caller)]) -> Item:
    """Return an item."""
    return Item(id=caller, title="Lamp oil")
