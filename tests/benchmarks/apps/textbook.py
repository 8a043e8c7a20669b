"""The stack of the tutorials: a session per request, SQLModel's ORM, `def` endpoints, a JWT.

Each request decodes the token, loads the user, and then does its work. The address of the
database comes from BENCH_URL.
"""

import os
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm
from pydantic import BaseModel
from sqlalchemy import JSON, Column
from sqlmodel import Field, Session, SQLModel, col, create_engine, select

SECRET = "a textbook's secret, which is not one"
ALGORITHM = "HS256"

url = os.environ["BENCH_URL"]
engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
hasher = PasswordHasher()
app = FastAPI()


class User(SQLModel, table=True):
    """Somebody with a password."""

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    email: str = Field(unique=True, index=True)
    hashed_password: str


class ItemBase(SQLModel):
    """What a client says of an item."""

    title: str
    description: str = ""
    tags: list[str] = Field(default_factory=list, sa_column=Column(JSON))


class Item(ItemBase, table=True):
    """What a user keeps."""

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    owner_id: uuid.UUID = Field(foreign_key="user.id", index=True)
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC), index=True)


class ItemCreate(BaseModel):
    """A new item."""

    title: str
    description: str = ""
    tags: list[str] = []


class ItemUpdate(BaseModel):
    """A change of an item."""

    title: str | None = None
    description: str | None = None


class ItemPublic(BaseModel):
    """An item as it is answered."""

    id: uuid.UUID
    owner_id: uuid.UUID
    title: str
    description: str
    tags: list[str]
    created_at: datetime


class Token(BaseModel):
    """What a sign-in gives."""

    access_token: str
    token_type: str = "bearer"


def get_session() -> Iterator[Session]:
    """Open the request's session."""
    with Session(engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]
oauth2 = OAuth2PasswordBearer(tokenUrl="/login")


def get_current_user(session: SessionDep, token: Annotated[str, Depends(oauth2)]) -> User:
    """Load whoever the token names."""
    try:
        claims = jwt.decode(token, SECRET, algorithms=[ALGORITHM])
    except jwt.InvalidTokenError:
        raise HTTPException(401, "Could not validate credentials") from None
    user = session.get(User, uuid.UUID(claims["sub"]))
    if user is None:
        raise HTTPException(401, "Could not validate credentials")
    return user


CurrentUser = Annotated[User, Depends(get_current_user)]


def own_item(session: Session, user: User, id: uuid.UUID) -> Item:
    """Load an item of the user's."""
    item = session.get(Item, id)
    if item is None:
        raise HTTPException(404, "Item not found")
    if item.owner_id != user.id:
        raise HTTPException(403, "Not enough permissions")
    return item


@app.post("/users", status_code=201)
def register(session: SessionDep, form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> str:
    """Open an account."""
    session.add(User(email=form.username, hashed_password=hasher.hash(form.password)))
    session.commit()
    return form.username


@app.post("/login")
def login(session: SessionDep, form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> Token:
    """Sign in."""
    user = session.exec(select(User).where(User.email == form.username)).first()
    if user is None:
        raise HTTPException(400, "Incorrect email or password")
    try:
        hasher.verify(user.hashed_password, form.password)
    except VerifyMismatchError:
        raise HTTPException(400, "Incorrect email or password") from None
    expires = datetime.now(UTC) + timedelta(days=8)
    claims = {"sub": str(user.id), "exp": expires}
    return Token(access_token=jwt.encode(claims, SECRET, algorithm=ALGORITHM))


@app.post("/items/batch", status_code=201)
def seed(session: SessionDep, user: CurrentUser, body: list[ItemCreate]) -> list[uuid.UUID]:
    """Create many, to begin with."""
    items = [Item(owner_id=user.id, **one.model_dump()) for one in body]
    session.add_all(items)
    ids = [item.id for item in items]
    session.commit()
    return ids


@app.get("/items/{id}", response_model=ItemPublic)
def read_item(session: SessionDep, user: CurrentUser, id: uuid.UUID) -> Item:
    """Look at an item."""
    return own_item(session, user, id)


@app.get("/items", response_model=list[ItemPublic])
def read_items(
    session: SessionDep, user: CurrentUser, limit: int = 20, q: str | None = None
) -> list[Item]:
    """Look at one's newest items."""
    query = select(Item).where(Item.owner_id == user.id)
    if q is not None:
        query = query.where(col(Item.title).ilike(f"%{q}%"))
    return list(session.exec(query.order_by(col(Item.created_at).desc()).limit(limit)))


@app.post("/items", response_model=ItemPublic, status_code=201)
def create_item(session: SessionDep, user: CurrentUser, body: ItemCreate) -> Item:
    """Add an item."""
    item = Item(owner_id=user.id, **body.model_dump())
    session.add(item)
    session.commit()
    session.refresh(item)
    return item


@app.patch("/items/{id}", response_model=ItemPublic)
def update_item(session: SessionDep, user: CurrentUser, id: uuid.UUID, body: ItemUpdate) -> Item:
    """Change an item."""
    item = own_item(session, user, id)
    item.sqlmodel_update(body.model_dump(exclude_unset=True))
    session.add(item)
    session.commit()
    session.refresh(item)
    return item


SQLModel.metadata.create_all(engine)
