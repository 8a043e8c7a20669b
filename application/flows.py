"""Visits to identity providers: which there are, beginning a visit, and coming back from it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from application.ports.identities import FlowTexts, IdentityProvider, Visit
from application.ports.store import Reading, UnitOfWork, UnitsOfWork
from application.ports.surroundings import Clock
from application.proving import require_fresh
from application.throttling import Throttle, network
from domain.access import Origin, Person
from domain.errors import InvalidFlow, InvalidValue, ProviderNotFound
from domain.identity import Flow, ProviderName


@dataclass(frozen=True, slots=True)
class Providers:
    """The identity providers that are set up."""

    by_name: Mapping[ProviderName, IdentityProvider]

    def listed(self) -> Sequence[tuple[ProviderName, str]]:
        """Return their names, in order, with their issuers."""
        return [(name, self.by_name[name].issuer) for name in sorted(self.by_name)]

    def named(self, name: ProviderName) -> IdentityProvider:
        """Return the one of that name. Raises ProviderNotFound."""
        provider = self.by_name.get(name)
        if provider is None:
            raise ProviderNotFound
        return provider


@dataclass(frozen=True, slots=True)
class BegunFlow:
    """A visit that can begin, with the secret that the client keeps, which is told once."""

    visit: Visit
    text: str


@dataclass(frozen=True, slots=True)
class BeginFlow:
    """Let somebody visit a provider, and come back to where an operator allows it."""

    unit_of_work: UnitsOfWork
    clock: Clock
    texts: FlowTexts
    redirect_uris: Collection[str]
    by_address: Throttle

    def __call__(self, provider: ProviderName, redirect_uri: str, origin: Origin) -> BegunFlow:
        if redirect_uri not in self.redirect_uris:
            raise InvalidValue(
                "redirect_uri", "redirect_uri_unknown", "This is none of the allowed addresses."
            )
        text = self.texts.make()
        flow = Flow.begin(
            digest=self.texts.digest(text),
            provider=provider,
            redirect_uri=redirect_uri,
            now=self.clock(),
        )
        with self.unit_of_work() as work:
            self.by_address.attempt(work, network(origin.address))
            work.flows.add(flow)
            work.commit()
        return BegunFlow(_visit(self.texts, flow, text), text)


@dataclass(frozen=True, slots=True)
class TakeFlow:
    """Come back from a visit: of all who bring its secret, one comes through.

    A wrong state uses nothing up: who holds no secret must not be able to end another's visit.
    """

    unit_of_work: UnitsOfWork
    clock: Clock
    texts: FlowTexts
    by_address: Throttle

    def __call__(
        self, provider: ProviderName | None, text: str, state: str, origin: Origin
    ) -> Visit:
        """Return the visit, to this provider or, for None, to any. Raises InvalidFlow."""
        with self.unit_of_work() as work:
            try:
                flow = self._taken(work, provider, text, state)
            except InvalidFlow:
                self.by_address.attempt(work, network(origin.address))
                work.commit()  # the counted attempt outlives the error
                raise
            work.commit()
        return _visit(self.texts, flow, text)

    def _taken(
        self, work: UnitOfWork, provider: ProviderName | None, text: str, state: str
    ) -> Flow:
        digest = self.texts.digest(text)
        flow = work.flows.get(digest)
        if flow is None or not self.texts.is_state_of(state, text):
            raise InvalidFlow
        flow.check(provider, now=self.clock())
        if not work.flows.take(digest):
            raise InvalidFlow
        return flow


@dataclass(frozen=True, slots=True)
class TakeFlowToLink:
    """As TakeFlow, for whoever is signed in and wants another way in. Needs a fresh proof."""

    reading: Reading
    clock: Clock
    take_flow: TakeFlow

    def __call__(self, caller: Person, text: str, state: str) -> Visit:
        with self.reading() as see:
            require_fresh(see, caller, now=self.clock())
        return self.take_flow(None, text, state, caller.origin)


def _visit(texts: FlowTexts, flow: Flow, text: str) -> Visit:
    return Visit(
        provider=flow.provider,
        redirect_uri=flow.redirect_uri,
        handshake=texts.handshake(text),
    )
