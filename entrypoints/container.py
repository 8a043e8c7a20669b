"""The whole house, read from top to bottom: settings, engine, adapters, use cases."""

import os
from datetime import timedelta

from dependency_injector import containers, providers

from adapters.clock import utc_now
from adapters.ids import uuid7
from adapters.persistence.database import Database
from adapters.persistence.schema import SqlSchema
from adapters.persistence.unit_of_work import SqlStore
from adapters.security.access_tokens import JwtAccessTokens
from adapters.security.common_passwords import ListedCommonPasswords
from adapters.security.cursors import SignedCursors
from adapters.security.passwords import Argon2PasswordHasher
from adapters.security.refresh_tokens import DerivedRefreshTokens
from adapters.security.secrets import Secrets
from adapters.security.signing_keys import EcKeyForge, KeyRing
from application import accounts, items, keys, starting
from application import sign_in as signing_in
from domain.session import Lifetimes
from entrypoints.settings import Settings, ensure_secret


def _database(settings: Settings) -> Database:
    return Database(settings.database_url.get_secret_value(), pool_size=settings.pool_size)


def _secrets(settings: Settings) -> Secrets:
    kept = ensure_secret(settings)
    return Secrets(kept.current, kept.previous)


def _lifetimes(settings: Settings) -> Lifetimes:
    return Lifetimes(
        idle=timedelta(seconds=settings.session_idle_ttl),
        absolute=timedelta(seconds=settings.session_ttl),
        grace=timedelta(seconds=settings.refresh_grace),
    )


class Container(containers.DeclarativeContainer):
    """Makes each thing once, when it is first asked for; a test swaps one in a line."""

    settings: providers.Provider[Settings] = providers.Dependency(instance_of=Settings)

    clock = providers.Object(utc_now)
    ids = providers.Object(uuid7)
    random = providers.Object(os.urandom)

    database = providers.Singleton(_database, settings)
    schema = providers.Singleton(SqlSchema, database)
    store = providers.Singleton(SqlStore, database)
    unit_of_work = store.provided.unit_of_work
    reading = store.provided.reading

    secrets = providers.Singleton(_secrets, settings)
    cursors = providers.Singleton(SignedCursors, secrets)
    refresh_tokens = providers.Singleton(DerivedRefreshTokens, secrets)
    forge = providers.Singleton(EcKeyForge, secrets)
    key_ring = providers.Singleton(KeyRing, reading, forge, clock)
    access_tokens = providers.Singleton(
        JwtAccessTokens,
        key_ring,
        issuer=settings.provided.base_url,
        lifetime=settings.provided.access_token_ttl,
    )
    hasher = providers.Singleton(
        Argon2PasswordHasher,
        memory_kib=settings.provided.argon2_memory_kib,
        passes=settings.provided.argon2_time,
        parallelism=settings.provided.argon2_parallelism,
    )
    password_policy = providers.Singleton(
        accounts.PasswordPolicy,
        shortest=settings.provided.password_min_length,
        is_common=providers.Singleton(ListedCommonPasswords),
    )
    lifetimes = providers.Singleton(_lifetimes, settings)

    prepare_store = providers.Singleton(starting.PrepareStore, schema)
    prepare_keys = providers.Singleton(
        starting.PrepareKeys, unit_of_work=unit_of_work, clock=clock, forge=forge
    )
    migrate = providers.Singleton(starting.Migrate, schema)

    register = providers.Singleton(
        accounts.Register,
        unit_of_work=unit_of_work,
        reading=reading,
        clock=clock,
        ids=ids,
        hasher=hasher,
        policy=password_policy,
    )
    read_profile = providers.Singleton(accounts.ReadProfile, reading)
    rename_profile = providers.Singleton(accounts.RenameProfile, unit_of_work, clock)
    change_password = providers.Singleton(
        accounts.ChangePassword,
        unit_of_work=unit_of_work,
        reading=reading,
        clock=clock,
        hasher=hasher,
        policy=password_policy,
    )
    delete_account = providers.Singleton(
        accounts.DeleteAccount, unit_of_work=unit_of_work, reading=reading, hasher=hasher
    )

    issuer = providers.Singleton(
        signing_in.TokenIssuer,
        access_tokens=access_tokens,
        refresh_tokens=refresh_tokens,
        clock=clock,
    )
    sign_in = providers.Singleton(
        signing_in.SignIn,
        unit_of_work=unit_of_work,
        reading=reading,
        clock=clock,
        ids=ids,
        random=random,
        hasher=hasher,
        issuer=issuer,
    )
    refresh_session = providers.Singleton(
        signing_in.RefreshSession,
        unit_of_work=unit_of_work,
        clock=clock,
        lifetimes=lifetimes,
        issuer=issuer,
    )
    sign_out = providers.Singleton(signing_in.SignOut, unit_of_work)
    identify = providers.Singleton(
        signing_in.Identify,
        reading=reading,
        clock=clock,
        lifetimes=lifetimes,
        access_tokens=access_tokens,
    )
    publish_keys = providers.Singleton(keys.PublishKeys, reading)

    create_item = providers.Singleton(items.CreateItem, unit_of_work, clock, ids)
    read_item = providers.Singleton(items.ReadItem, reading)
    list_items = providers.Singleton(items.ListItems, reading, cursors)
    edit_item = providers.Singleton(items.EditItem, unit_of_work, clock)
    replace_item = providers.Singleton(items.ReplaceItem, unit_of_work, clock)
    delete_item = providers.Singleton(items.DeleteItem, unit_of_work)
