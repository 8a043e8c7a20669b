"""The whole house, read from top to bottom: settings, engine, adapters, use cases."""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from dependency_injector import containers, providers

from adapters.clock import utc_now
from adapters.ids import uuid7
from adapters.mail.folder import FolderPostman
from adapters.mail.nowhere import NoPostman
from adapters.mail.stationery import TemplateStationery, host_of
from adapters.persistence.database import Database
from adapters.persistence.schema import SqlSchema
from adapters.persistence.snapshots import SqliteSnapshots
from adapters.persistence.unit_of_work import SqlStore
from adapters.security.access_tokens import JwtAccessTokens
from adapters.security.audit_chain import HmacAuditChain
from adapters.security.authenticator_apps import TotpAuthenticatorApps
from adapters.security.common_passwords import ListedCommonPasswords
from adapters.security.cursors import SignedCursors
from adapters.security.flows import RandomFlowTexts
from adapters.security.machine_keys import RandomMachineKeyTexts
from adapters.security.one_time_tokens import DerivedOneTimeTokens
from adapters.security.passwords import Argon2PasswordHasher
from adapters.security.refresh_tokens import DerivedRefreshTokens
from adapters.security.sealing import SecretSealer
from adapters.security.second_factor_texts import RandomChallenges, RandomRecoveryCodes
from adapters.security.secrets import Secrets
from adapters.security.signing_keys import EcKeyForge, KeyRing
from application import (
    accounts,
    administration,
    auditing,
    changes,
    exporting,
    flows,
    identities,
    keys,
    letting_in,
    machine_keys,
    mailing,
    moving,
    recovery,
    second_factor,
    sessions,
    sharing,
    starting,
    verifying,
)
from application import items as keeping
from application.admission import SessionStarter, TokenIssuer
from application.batch import RunBatch
from application.codes import CodeProof, Codes, FactorRemoval
from application.identifying import Foresee, Identify, IdentifyMany, Introspect
from application.joining import Registrar
from application.listing import ListItems
from application.ports.identities import IdentityProvider
from application.ports.mail import Postman
from application.ports.moving import Mover
from application.ports.security import Sealer
from application.ports.store import Reading
from application.ports.surroundings import Clock, Ids, Randomness
from application.proving import PasswordProof, Reauthenticate, ReauthenticateByCode
from application.refreshing import RefreshSession
from application.replaying import Replayer
from application.second_step import FinishSignIn
from application.sign_in import SignIn
from application.throttling import Throttle
from application.tidying import TidyUp
from domain import throttle as limits
from domain.errors import StoreUnfit
from domain.identity import ProviderName
from domain.session import Lifetimes
from entrypoints.provider_settings import ProviderSettings
from entrypoints.settings import Settings, ensure_secret, known_database


def _database(settings: Settings) -> Database:
    return Database(settings.database_url.get_secret_value(), pool_size=settings.pool_size)


def _secrets(settings: Settings) -> Secrets:
    kept = ensure_secret(settings)
    return Secrets(kept.current, kept.previous)


def _authenticator_apps(settings: Settings) -> TotpAuthenticatorApps:
    return TotpAuthenticatorApps(issuer=host_of(settings.base_url))


def _postman(settings: Settings) -> Postman:
    if settings.smtp_url is not None:
        from adapters.mail.smtp import SmtpPostman

        return SmtpPostman(
            settings.smtp_url.get_secret_value(),
            sender=settings.sender,
            own_host=host_of(settings.base_url),
        )
    folder = settings.mail_folder
    return NoPostman() if folder is None else FolderPostman(folder, sender=settings.sender)


def _provider(
    name: ProviderName, chosen: ProviderSettings, clock: Clock, *, is_production: bool
) -> IdentityProvider:
    """Return the way to a provider; a service without one loads nothing for it."""
    from adapters.identity.exchanges import Exchanges
    from adapters.identity.github import GitHubProvider
    from adapters.identity.grants import Client
    from adapters.identity.network import Reach
    from adapters.identity.oidc import OidcProvider

    secret = chosen.client_secret
    client = Client(
        id=chosen.client_id,
        secret=None if secret is None else secret.get_secret_value(),
        scopes=chosen.scopes,
    )
    way = Exchanges(name, Reach(loopback=not is_production, private=chosen.allow_private))
    if chosen.kind == "github":
        return GitHubProvider(name, chosen.issuer, client, way)
    return OidcProvider(name, chosen.issuer, client, way, clock)


def _providers(settings: Settings, clock: Clock) -> flows.Providers:
    is_production = settings.env == "production"
    return flows.Providers(
        {
            ProviderName(name): _provider(
                ProviderName(name), chosen, clock, is_production=is_production
            )
            for name, chosen in settings.providers.items()
        }
    )


def _trusted(settings: Settings) -> frozenset[ProviderName]:
    """Return the providers whose word on addresses counts."""
    return frozenset(
        ProviderName(name) for name, chosen in settings.providers.items() if chosen.trust_email
    )


def _issuers(settings: Settings) -> frozenset[str]:
    return frozenset(chosen.issuer for chosen in settings.providers.values())


def _mover(source: Database) -> Callable[[str], Mover]:
    """Return what copies to the database at an address. Raises StoreUnfit if it is none."""

    def to(address: str) -> Mover:
        from adapters.persistence.copying import SqlMover

        try:
            url = known_database(address)
        except ValueError as error:
            raise StoreUnfit(f"The other database's address {error}.") from error
        if url.startswith("sqlite:"):  # before it is opened, which makes its folder
            raise StoreUnfit("Only SQLite is copied, and only to postgresql://…")
        return SqlMover(source, Database(url, pool_size=2))

    return to


def _auditor_of(
    clock: Clock, ids: Ids, random: Randomness, sealer: Sealer, reading: Reading
) -> auditing.Auditor:
    """Return what writes into the trail of another store than the container's."""
    return auditing.Auditor(clock, ids, random, HmacAuditChain(reading, sealer))


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

    # The store.
    database = providers.Singleton(_database, settings)
    schema = providers.Singleton(SqlSchema, database)
    store = providers.Singleton(SqlStore, database)
    unit_of_work = store.provided.unit_of_work
    reading = store.provided.reading

    # Secrets, keys and tokens.
    secrets = providers.Singleton(_secrets, settings)
    sealer = providers.Singleton(SecretSealer, secrets)
    cursors = providers.Singleton(SignedCursors, secrets)
    refresh_tokens = providers.Singleton(DerivedRefreshTokens, secrets)
    machine_key_texts = providers.Singleton(RandomMachineKeyTexts, random)
    challenge_texts = providers.Singleton(RandomChallenges, random)
    forge = providers.Singleton(EcKeyForge, sealer)
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
    chain = providers.Singleton(HmacAuditChain, reading, sealer)

    # What several use cases share.
    lifetimes = providers.Singleton(_lifetimes, settings)
    live_sessions = providers.Singleton(sessions.LiveSessions, clock, lifetimes)
    auditor = providers.Singleton(auditing.Auditor, clock, ids, random, chain)
    password_policy = providers.Singleton(
        accounts.PasswordPolicy,
        shortest=settings.provided.password_min_length,
        is_common=providers.Singleton(ListedCommonPasswords),
    )
    issuer = providers.Singleton(
        TokenIssuer,
        access_tokens=access_tokens,
        refresh_tokens=refresh_tokens,
        clock=clock,
    )
    starter = providers.Singleton(
        SessionStarter,
        clock=clock,
        ids=ids,
        random=random,
        lifetimes=lifetimes,
        cap=settings.provided.session_cap,
        issuer=issuer,
        challenges=challenge_texts,
        auditor=auditor,
    )

    # How often something may be tried.
    limits_are_on = settings.provided.rate_limits
    sign_ins_from_address = providers.Singleton(
        Throttle, "sign-in", limits.SIGN_IN_BY_ADDRESS, clock, limits_are_on
    )
    sign_ins_to_account = providers.Singleton(
        Throttle, "account", limits.PASSWORD_OF_ACCOUNT, clock, limits_are_on
    )
    sign_ups_from_address = providers.Singleton(
        Throttle, "sign-up", limits.SIGN_UP_BY_ADDRESS, clock, limits_are_on
    )
    refreshes_from_address = providers.Singleton(
        Throttle, "refresh", limits.REFRESH_BY_ADDRESS, clock, limits_are_on
    )
    proofs_of_user = providers.Singleton(
        Throttle, "proof", limits.PASSWORD_OF_ACCOUNT, clock, limits_are_on
    )
    code_proofs_of_user = providers.Singleton(
        Throttle, "code proof", limits.CODE_OF_ACCOUNT, clock, limits_are_on
    )
    second_steps_to_account = providers.Singleton(
        Throttle, "second factor", limits.CODE_OF_ACCOUNT, clock, limits_are_on
    )
    shares_of_user = providers.Singleton(
        Throttle, "sharing", limits.SHARING_BY_USER, clock, limits_are_on
    )
    factors_of_user = providers.Singleton(
        Throttle, "second factors", limits.FACTOR_BY_USER, clock, limits_are_on
    )
    exports_of_user = providers.Singleton(
        Throttle, "export", limits.EXPORT_BY_USER, clock, limits_are_on
    )
    recoveries_from_address = providers.Singleton(
        Throttle, "recovery", limits.RECOVERY_BY_ADDRESS, clock, limits_are_on
    )
    flows_from_address = providers.Singleton(
        Throttle, "flow", limits.FLOWS_BY_ADDRESS, clock, limits_are_on
    )
    tokens_from_address = providers.Singleton(
        Throttle, "one-time token", limits.ONE_TIME_BY_ADDRESS, clock, limits_are_on
    )
    mail_to_address = providers.Singleton(
        Throttle, "mail", limits.MAIL_BY_EMAIL, clock, limits_are_on
    )
    proof = providers.Singleton(PasswordProof, unit_of_work, clock, hasher, proofs_of_user, auditor)

    # Mail.
    mailroom = providers.Singleton(mailing.Mailroom, clock, ids, random, sealer, mail_to_address)
    mint = providers.Singleton(DerivedOneTimeTokens, secrets)
    postman = providers.Singleton(_postman, settings)
    deliver_mail = providers.Singleton(
        mailing.DeliverMail,
        unit_of_work=unit_of_work,
        reading=reading,
        clock=clock,
        mailroom=mailroom,
        mint=mint,
        stationery=providers.Singleton(
            TemplateStationery,
            base_url=settings.provided.base_url,
            frontend_url=settings.provided.frontend_url,
        ),
        postman=postman,
    )
    list_outbox = providers.Singleton(mailing.ListOutbox, reading, mailroom)
    retry_mail = providers.Singleton(mailing.RetryMail, unit_of_work, clock)

    # Second factors.
    authenticator_apps = providers.Singleton(_authenticator_apps, settings)
    codes = providers.Singleton(
        Codes,
        clock=clock,
        sealer=sealer,
        apps=authenticator_apps,
        recovery=providers.Singleton(RandomRecoveryCodes, random),
        mailroom=mailroom,
        auditor=auditor,
    )
    remove_factor = providers.Singleton(FactorRemoval, second_steps_to_account, mailroom)
    code_proof = providers.Singleton(CodeProof, codes, code_proofs_of_user, auditor)
    begin_second_factor = providers.Singleton(
        second_factor.BeginSecondFactor,
        unit_of_work=unit_of_work,
        clock=clock,
        random=random,
        sealer=sealer,
        apps=authenticator_apps,
        by_user=factors_of_user,
        auditor=auditor,
    )
    confirm_second_factor = providers.Singleton(
        second_factor.ConfirmSecondFactor,
        unit_of_work=unit_of_work,
        clock=clock,
        proof=code_proof,
        codes=codes,
        mailroom=mailroom,
        auditor=auditor,
    )
    read_second_factor = providers.Singleton(second_factor.ReadSecondFactor, reading)
    renew_recovery_codes = providers.Singleton(
        second_factor.RenewRecoveryCodes,
        unit_of_work=unit_of_work,
        clock=clock,
        codes=codes,
        mailroom=mailroom,
        by_user=factors_of_user,
        auditor=auditor,
    )
    remove_second_factor = providers.Singleton(
        second_factor.RemoveSecondFactor, unit_of_work, clock, remove_factor, auditor
    )

    # Starting and keeping tidy.
    prepare_store = providers.Singleton(starting.PrepareStore, schema)
    migrate = providers.Singleton(starting.Migrate, schema)
    prepare_keys = providers.Singleton(
        starting.PrepareKeys,
        unit_of_work=unit_of_work,
        clock=clock,
        random=random,
        forge=forge,
        sealer=sealer,
    )
    tidy_up = providers.Singleton(TidyUp, unit_of_work, clock, lifetimes)

    # Taking the store elsewhere.
    snapshots = providers.Singleton(SqliteSnapshots, database)
    back_up = providers.Singleton(moving.BackUp, snapshots)
    restore = providers.Singleton(
        moving.Restore,
        snapshots=snapshots,
        schema=schema,
        reading=reading,
        sealer=sealer,
        clock=clock,
        prepare_keys=providers.Factory(
            starting.PrepareKeys, clock=clock, random=random, forge=forge, sealer=sealer
        ).provider,
        auditor=providers.Callable(_auditor_of, clock, ids, random, sealer).provider,
    )
    mover = providers.Singleton(_mover, database)
    copy_store = providers.Singleton(moving.CopyStore)

    # Accounts.
    register = providers.Singleton(
        accounts.Register,
        unit_of_work=unit_of_work,
        clock=clock,
        ids=ids,
        hasher=hasher,
        policy=password_policy,
        by_address=sign_ups_from_address,
        mailroom=mailroom,
        auditor=auditor,
        needs_verified=settings.provided.require_verified_email,
    )
    sign_up = providers.Singleton(accounts.SignUp, register)
    read_profile = providers.Singleton(accounts.ReadProfile, reading)
    rename_profile = providers.Singleton(accounts.RenameProfile, unit_of_work, clock, auditor)
    change_password = providers.Singleton(
        accounts.ChangePassword,
        unit_of_work=unit_of_work,
        reading=reading,
        clock=clock,
        hasher=hasher,
        policy=password_policy,
        proof=proof,
        mailroom=mailroom,
        auditor=auditor,
    )
    delete_account = providers.Singleton(
        accounts.DeleteAccount, unit_of_work, reading, clock, proof, auditor
    )

    begin_export = providers.Singleton(
        exporting.BeginExport, unit_of_work, clock, exports_of_user, auditor
    )
    read_part = providers.Singleton(exporting.ReadPart, reading, clock, live_sessions, mailroom)

    # Mailboxes.
    mailbox_proof = providers.Singleton(recovery.MailboxProof, clock, mint, tokens_from_address)
    request_recovery = providers.Singleton(
        recovery.RequestRecovery, unit_of_work, mailroom, recoveries_from_address, auditor
    )
    reset_password = providers.Singleton(
        recovery.ResetPassword,
        unit_of_work=unit_of_work,
        reading=reading,
        clock=clock,
        hasher=hasher,
        policy=password_policy,
        proof=mailbox_proof,
        mailroom=mailroom,
        remove_factor=remove_factor,
        sign_ins=sign_ins_to_account,
        proofs=proofs_of_user,
        auditor=auditor,
    )
    request_verification = providers.Singleton(
        recovery.RequestVerification, unit_of_work, mailroom, auditor
    )
    request_email_change = providers.Singleton(
        recovery.RequestEmailChange, unit_of_work, reading, proof, mailroom, auditor
    )
    confirm_email = providers.Singleton(
        recovery.ConfirmEmail,
        unit_of_work,
        clock,
        mailbox_proof,
        mailroom,
        remove_factor,
        auditor,
    )

    # Sign-in and sessions.
    sign_in = providers.Singleton(
        SignIn,
        unit_of_work=unit_of_work,
        reading=reading,
        hasher=hasher,
        starter=starter,
        by_address=sign_ins_from_address,
        by_account=sign_ins_to_account,
        auditor=auditor,
        needs_verified=settings.provided.require_verified_email,
    )
    finish_sign_in = providers.Singleton(
        FinishSignIn,
        unit_of_work=unit_of_work,
        clock=clock,
        codes=codes,
        starter=starter,
        by_address=sign_ins_from_address,
        by_account=second_steps_to_account,
        auditor=auditor,
    )
    refresh_session = providers.Singleton(
        RefreshSession,
        unit_of_work=unit_of_work,
        clock=clock,
        lifetimes=lifetimes,
        issuer=issuer,
        by_address=refreshes_from_address,
        auditor=auditor,
    )
    identify = providers.Singleton(
        Identify, reading, clock, lifetimes, access_tokens, machine_key_texts
    )
    identify_many = providers.Singleton(IdentifyMany, identify)
    foresee = providers.Singleton(Foresee, identify, access_tokens)
    reauthenticate = providers.Singleton(
        Reauthenticate, unit_of_work, reading, clock, proof, auditor
    )
    reauthenticate_by_code = providers.Singleton(
        ReauthenticateByCode, unit_of_work, clock, code_proof, auditor
    )
    list_sessions = providers.Singleton(sessions.ListSessions, reading, live_sessions)
    end_session = providers.Singleton(sessions.EndSession, unit_of_work, live_sessions, auditor)
    end_sessions = providers.Singleton(sessions.EndSessions, unit_of_work, auditor)
    sign_out = providers.Singleton(sessions.SignOut, unit_of_work, auditor)
    revoke_token = providers.Singleton(
        sessions.RevokeToken,
        unit_of_work=unit_of_work,
        access_tokens=access_tokens,
        refresh_tokens=refresh_tokens,
        key_texts=machine_key_texts,
        auditor=auditor,
    )
    introspect = providers.Singleton(Introspect, identify, access_tokens)

    # Identity providers.
    identity_providers = providers.Singleton(_providers, settings, clock)
    flow_texts = providers.Singleton(RandomFlowTexts, random)
    begin_flow = providers.Singleton(
        flows.BeginFlow,
        unit_of_work=unit_of_work,
        clock=clock,
        texts=flow_texts,
        redirect_uris=settings.provided.redirect_uris,
        by_address=flows_from_address,
    )
    take_flow = providers.Singleton(
        flows.TakeFlow, unit_of_work, clock, flow_texts, flows_from_address
    )
    take_flow_to_link = providers.Singleton(flows.TakeFlowToLink, reading, clock, take_flow)
    registrar = providers.Singleton(
        Registrar,
        clock=clock,
        ids=ids,
        trusted=providers.Callable(_trusted, settings),
        sign_ups=sign_ups_from_address,
        mailroom=mailroom,
        remove_factor=remove_factor,
        auditor=auditor,
        needs_verified=settings.provided.require_verified_email,
    )
    sign_in_by_provider = providers.Singleton(
        identities.SignInByProvider, unit_of_work, clock, registrar, starter, auditor
    )
    note_unproved = providers.Singleton(identities.NoteUnproved, unit_of_work, auditor)
    link_identity = providers.Singleton(
        identities.LinkIdentity, unit_of_work, clock, registrar, auditor
    )
    list_identities = providers.Singleton(identities.ListIdentities, reading)
    unlink_identity = providers.Singleton(
        identities.UnlinkIdentity,
        unit_of_work=unit_of_work,
        clock=clock,
        issuers=providers.Callable(_issuers, settings),
        mailroom=mailroom,
        auditor=auditor,
    )

    # Keys for machines.
    create_machine_key = providers.Singleton(
        machine_keys.CreateMachineKey,
        unit_of_work=unit_of_work,
        clock=clock,
        ids=ids,
        texts=machine_key_texts,
        mailroom=mailroom,
        auditor=auditor,
    )
    list_machine_keys = providers.Singleton(machine_keys.ListMachineKeys, reading)
    delete_machine_key = providers.Singleton(
        machine_keys.DeleteMachineKey, unit_of_work, clock, auditor
    )
    note_key_use = providers.Singleton(machine_keys.NoteKeyUse, unit_of_work, clock, auditor)

    # Signing keys.
    publish_keys = providers.Singleton(keys.PublishKeys, reading)
    list_keys = providers.Singleton(keys.ListKeys, reading, clock)
    rotate_keys = providers.Singleton(keys.RotateKeys, unit_of_work, clock, forge, auditor)
    retire_key = providers.Singleton(keys.RetireKey, unit_of_work, clock, auditor)

    # Items.
    keeper = providers.Singleton(keeping.Keeper, clock, ids)
    replayer = providers.Singleton(Replayer, clock)
    create_item = providers.Singleton(keeping.CreateItem, unit_of_work, keeper, replayer)
    read_item = providers.Singleton(keeping.ReadItem, reading)
    list_items = providers.Singleton(ListItems, reading, cursors)
    edit_item = providers.Singleton(keeping.EditItem, unit_of_work, keeper)
    replace_item = providers.Singleton(keeping.ReplaceItem, unit_of_work, keeper)
    delete_item = providers.Singleton(keeping.DeleteItem, unit_of_work, keeper)
    run_batch = providers.Singleton(RunBatch, unit_of_work, keeper, replayer)

    # Sharing and the change feed.
    list_grants = providers.Singleton(sharing.ListGrants, reading, cursors)
    share_item = providers.Singleton(
        sharing.ShareItem, unit_of_work, clock, replayer, shares_of_user
    )
    change_grant = providers.Singleton(sharing.ChangeGrant, unit_of_work, clock)
    withdraw_grant = providers.Singleton(sharing.WithdrawGrant, unit_of_work, clock)
    list_changes = providers.Singleton(changes.ListChanges, reading, cursors)
    newest_changes = providers.Singleton(changes.NewestChanges, reading)

    # Administration and the audit trail.
    list_users = providers.Singleton(administration.ListUsers, reading, cursors)
    read_user = providers.Singleton(administration.ReadUser, reading)
    edit_user = providers.Singleton(administration.EditUser, unit_of_work, clock, auditor)
    remove_user = providers.Singleton(administration.RemoveUser, unit_of_work, clock, auditor)
    list_user_sessions = providers.Singleton(
        administration.ListUserSessions, reading, live_sessions
    )
    end_user_sessions = providers.Singleton(administration.EndUserSessions, unit_of_work, auditor)
    remove_user_second_factor = providers.Singleton(
        letting_in.RemoveUserSecondFactor, unit_of_work, clock, remove_factor, auditor
    )
    let_in = providers.Singleton(letting_in.LetIn, unit_of_work, remove_factor, auditor)
    read_audit = providers.Singleton(auditing.ReadAudit, reading, cursors)
    read_activity = providers.Singleton(auditing.ReadActivity, read_audit)
    note_refusal = providers.Singleton(auditing.NoteRefusal, unit_of_work, auditor)
    read_head = providers.Singleton(verifying.ReadHead, reading)
    verify_audit = providers.Singleton(verifying.VerifyAudit, reading, chain)


class Glances:
    """The use cases of a container, made anew: they look at the store without ever waiting for it.

    What they need besides is the container's own. Each is made when it is first asked for.
    """

    def __init__(self, container: Container) -> None:
        self._container = container
        own = (container.settings, container.clock, container.access_tokens)
        self._made: dict[int, object] = {id(provider): provider for provider in own}
        self._made[id(container.reading)] = providers.Object(container.store().glancing)

    def __getattr__(self, use_case: str) -> Any:
        """Return the provider of a use case."""
        found = providers.deepcopy(getattr(self._container, use_case), self._made)
        setattr(self, use_case, found)
        return found
