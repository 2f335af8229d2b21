"""The composition root: the only place that knows everything. Nothing here decides; it connects."""

import asyncio
import gc
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib.metadata import version

import structlog
from aiohttp import web

from control_plane.access.devices import Devices
from control_plane.access.idempotency import Idempotency
from control_plane.access.keys import ApiKeys
from control_plane.access.purge import Purge
from control_plane.access.routes import KeyAuthentication, TokenRoutes
from control_plane.access.tokens import RoomTokens
from control_plane.access.verifier import TokenVerifier
from control_plane.clock import Clock, SystemClock
from control_plane.database import Database, expect_migrated
from control_plane.database.watch import DatabaseWatch
from control_plane.errors import ControlPlaneError
from control_plane.http import application
from control_plane.http.api import Api
from control_plane.http.certificate import serving_tls
from control_plane.http.health import Health
from control_plane.http.limits import KeyLimits
from control_plane.http.region import locating
from control_plane.http.traffic import HttpTraffic
from control_plane.ids import ReplicaId
from control_plane.metrics import lag, server, sources
from control_plane.metrics.arrivals import MeasuredArrivals
from control_plane.metrics.condition import Condition
from control_plane.metrics.figures import Metrics
from control_plane.metrics.server import METRICS
from control_plane.metrics.tracing import tracing
from control_plane.nodes.enrolment import EnrolmentRoutes
from control_plane.nodes.identity import ControlKey
from control_plane.nodes.pool import NodePool
from control_plane.nodes.records import NodeRecords
from control_plane.nodes.redis_time import RedisTime
from control_plane.nodes.registry import NodeRegistry
from control_plane.nodes.routes import HeartbeatRoute
from control_plane.nodes.trust import NodeTrust
from control_plane.rooms.ban_cache import BanCache
from control_plane.rooms.ban_table import BanTable
from control_plane.rooms.ban_watch import BanWatch
from control_plane.rooms.decisions import DecisionLog
from control_plane.rooms.domain import Person
from control_plane.rooms.driver import Driver
from control_plane.rooms.handlers import Services, greet
from control_plane.rooms.hub import RoomHub
from control_plane.rooms.ice import IceRefresh
from control_plane.rooms.index import RoomIndex
from control_plane.rooms.local import LocalRoom
from control_plane.rooms.media import MediaPlane
from control_plane.rooms.member import Member
from control_plane.rooms.moderation import Moderation
from control_plane.rooms.moving import Mover
from control_plane.rooms.node_access import NodeAccess
from control_plane.rooms.office import RoomOffice
from control_plane.rooms.owed import Owed
from control_plane.rooms.placement.emptying import Emptying
from control_plane.rooms.placing import RegistryPlacing
from control_plane.rooms.policies import KnownPolicies, PolicyCache
from control_plane.rooms.records import RoomRecords
from control_plane.rooms.removal import Removals
from control_plane.rooms.routes import RoomApi
from control_plane.rooms.routes.usage import UsageRoutes
from control_plane.rooms.service import RoomService
from control_plane.rooms.store import RoomStore
from control_plane.rooms.tender import Tender
from control_plane.rooms.topics import Topics
from control_plane.rooms.views import event_body
from control_plane.settings import Settings
from control_plane.signaling.endpoint import SignalingEndpoint
from control_plane.signaling.messages import SessionEnded
from control_plane.state import Redis
from control_plane.state.keys import BAN_NEWS, POLICY_NEWS, inbox
from control_plane.state.liveness import Liveness
from control_plane.turn.cuts import TurnCuts
from control_plane.turn.relay_routes import RelayReportRoute
from control_plane.turn.routes import IceServerRoutes
from control_plane.turn.service import TurnRelays
from control_plane.turn.settings import TurnSettings
from control_plane.turn.usage import TurnUsage
from control_plane.whip.keeper import Keeper
from control_plane.whip.routes import WhipRoutes
from control_plane.whip.service import WhipService
from media_adapters.models import RoomSpec

log = structlog.get_logger()

SHUTDOWN_S = 10.0
GARBAGE_AFTER = 10_000
"""Objects between two looks at the youngest; Python's own figure is 700."""


class PortTaken(Exception):
    """Something else listens where this replica should."""


@asynccontextmanager
async def replica(  # noqa: PLR0915 - one statement for each part
    settings: Settings, clock: Clock | None = None, turn: TurnSettings | None = None
) -> AsyncIterator[web.Application]:
    """One replica, connected to live state and serving nobody yet.

    On leaving, its clients are sent elsewhere and its leases are given up. Raises `RedisUnreachable`,
    `DatabaseUnreachable`, `NotMigrated`, `BadKey`, `SecretsUnusable`, `ValueError` with sentences for the operator.
    """
    clock = clock or SystemClock()
    token_secret = settings.token_secret.get_secret_value()
    tokens = RoomTokens(token_secret, clock)
    control_key = ControlKey.from_pem(settings.control_key.get_secret_value())
    me, locate = settings.replica_id, locating(settings)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(_database(settings.database_url, clock))
        verifier = await stack.enter_async_context(TokenVerifier.open(tokens, token_secret, database, clock))
        redis = await stack.enter_async_context(Redis.connect(settings.redis_url, cluster=settings.redis_cluster))
        liveness = await stack.enter_async_context(Liveness.start(redis, me))
        registry = await stack.enter_async_context(
            NodeRegistry.start(redis, clock=clock, most_joins_per_s=settings.node_joins_per_s)
        )
        trust, heartbeats, enrolment = await stack.enter_async_context(
            _known_nodes(settings, database, redis, registry, control_key, clock)
        )
        metrics, http = Metrics(me, version("nexusvibe")), HttpTraffic()
        arrivals = await stack.enter_async_context(_arrivals(metrics, liveness))
        pool = await stack.enter_async_context(
            NodePool.start(replica=me, control_key=control_key, trusted=trust.keys, registry=registry)
        )
        trust.on_change(pool.hang_up_on_strangers)
        store, placing = RoomStore(redis), RegistryPlacing(registry, DecisionLog(redis), clock)
        relays = await stack.enter_async_context(TurnRelays.start(turn or TurnSettings(), token_secret, clock))
        cuts = TurnCuts(redis, relays)
        stack.push_async_callback(cuts.drain)

        def subscriptions_may_change(local: LocalRoom) -> None:
            media.reconcile(local.members.values())
            driver.look_at_move(local)

        def stay_was_ended(local: LocalRoom, person: Person, member: Member | None) -> None:
            if member is not None:
                media.gone(member)
            driver.gone(local, person)
            cuts.cut(local.state.ref(), person.id)

        hub = RoomHub(me, store, subscriptions_may_change, stay_was_ended)
        stack.push_async_callback(hub.drain)
        media = MediaPlane(pool, store, RoomSpec(), hub.find)
        stack.push_async_callback(media.drain)
        pool.on_event = lambda node, event: media.node_event(node, event, hub)
        pool.on_connected = lambda node: media.node_connected(node, hub)
        owed = Owed()
        driver = Driver(me, store, pool, placing, clock)
        driver.emptying = Emptying(lambda: trust.draining)
        stack.push_async_callback(driver.drain)
        watch = await stack.enter_async_context(BanWatch.start(BanTable(database), BanCache(redis), store, hub, clock))
        await redis.subscribe(BAN_NEWS, watch.hear, watch.missed).ready()
        policies = await _policies(database, redis, clock)
        subscription = redis.subscribe(inbox(me), liveness.hearing(hub.hear), hub.missed)
        await subscription.ready()
        ice = IceRefresh(NodeAccess(pool), clock)
        stack.push_async_callback(ice.drain)
        tender = await stack.enter_async_context(
            Tender.start(hub=hub, driver=driver, media=media, ice=ice, liveness=liveness, owed=owed)
        )
        redis.on_connected(tender.hurry)
        redis.on_connected(lambda: media.redis_returned(hub))
        registry.on_verdict(tender.hurry)

        service = RoomService(
            replica=me, tokens=verifier, store=store, hub=hub, media=media, placing=placing, owed=owed, bans=watch,
            devices=Devices(token_secret),
            policies=policies, relays=relays, arrivals=arrivals,
        )  # fmt: skip
        services = Services(service, media, ice, Topics(me, redis, clock), Moderation(store, watch, clock))
        endpoint = SignalingEndpoint(partial(greet, services), clock, locate=locate)
        stack.push_async_callback(_say_goodbye, endpoint)

        whip = await stack.enter_async_context(
            _publishers_by_http(WhipService(service, media, store, NodeAccess(pool)), driver, redis, me)
        )

        index = await stack.enter_async_context(RoomIndex.keep(redis, hub))
        watched = await stack.enter_async_context(DatabaseWatch.start(database))
        condition = Condition(
            work={"rooms": tender, "nodes": registry, "liveness": liveness, "database": watched},
            endpoint=endpoint, redis=redis, inbox=subscription, registry=registry, database=watched, relays=relays,
        )  # fmt: skip
        reports = RelayReportRoute(relays, TurnUsage(redis), cuts, clock)
        metrics.add(
            partial(sources.replica, condition),
            partial(sources.people, hub, driver, arrivals),
            partial(sources.messages, endpoint.traffic, http),
            partial(sources.nodes, registry, pool),
            partial(sources.relays, relays, reports.relayed),
        )

        app = application.build(
            signal=endpoint.handle,
            heartbeat=heartbeats.post,
            api=_api(
                settings=settings,
                clock=clock,
                database=database,
                redis=redis,
                tokens=tokens,
                store=store,
                watch=watch,
                index=index,
                relays=relays,
                mover=Mover(store, registry),
            ),
            others=[WhipRoutes(whip, verifier.verify, locate), enrolment, reports, Health(condition)],
            traffic=http,
            web_root=settings.web_root,
            embed_origins=settings.embed_origins,
        )
        app[METRICS] = metrics
        yield app


@asynccontextmanager
async def _arrivals(metrics: Metrics, liveness: Liveness) -> AsyncIterator[MeasuredArrivals]:
    """Joins, measured and maybe traced, and what makes them slow: messages and the event loop."""
    liveness.on_echo = metrics.delivery_seconds.observe
    async with tracing(metrics.replica, metrics.release) as tracer, lag.watching(metrics.loop_lag_seconds.observe):
        yield MeasuredArrivals(metrics, tracer)


@asynccontextmanager
async def _known_nodes(  # noqa: PLR0917
    settings: Settings, database: Database, redis: Redis, registry: NodeRegistry, key: ControlKey, clock: Clock
) -> AsyncIterator[tuple[NodeTrust, HeartbeatRoute, EnrolmentRoutes]]:
    """Which media nodes are believed, and the two doors through which they come."""
    records, time = NodeRecords(database), RedisTime(redis, clock)
    async with NodeTrust.start(records, settings.trusted_nodes, redis) as trust:
        trust.on_change(lambda: registry.decided(draining=trust.draining, removed=trust.removed))
        heartbeats = HeartbeatRoute(registry.store, trust, time, lambda: registry.nodes, clock)
        yield trust, heartbeats, EnrolmentRoutes(records, trust, time, key)


async def _policies(database: Database, redis: Redis, clock: Clock) -> KnownPolicies:
    """How rooms are to be run, told of every change."""
    policies = KnownPolicies(RoomRecords(database), PolicyCache(redis), clock)
    await redis.subscribe(POLICY_NEWS, policies.hear, policies.missed).ready()
    return policies


@asynccontextmanager
async def _database(url: str, clock: Clock) -> AsyncIterator[Database]:
    """What must outlive every process, swept while it is used."""
    async with Database.connect(url) as database:
        await expect_migrated(database)
        async with Purge(database, clock).running():
            yield database


def _api(
    *,
    settings: Settings,
    clock: Clock,
    database: Database,
    redis: Redis,
    tokens: RoomTokens,
    store: RoomStore,
    watch: BanWatch,
    index: RoomIndex,
    relays: TurnRelays,
    mover: Mover,
) -> Api:
    """What integrators' servers may ask of this replica."""
    idempotency = Idempotency(redis, clock)
    office = RoomOffice(RoomRecords(database), PolicyCache(redis), store, index)
    removals = Removals(store, watch, BanTable(database), clock)
    return Api(
        [
            *TokenRoutes(tokens, idempotency, watch.has_kicked, clock).operations(),
            *RoomApi(store, office, removals, mover, idempotency, DecisionLog(redis)).operations(),
            *IceServerRoutes(relays).operations(),
            *UsageRoutes(TurnUsage(redis), relays, clock).operations(),
        ],
        KeyAuthentication(ApiKeys(database, clock)),
        KeyLimits(settings.api_requests_per_minute),
    )


@asynccontextmanager
async def _publishers_by_http(
    whip: WhipService, driver: Driver, redis: Redis, me: ReplicaId
) -> AsyncIterator[WhipService]:
    """They have no connection to come back over: when their replica dies, another speaks for them."""
    driver.inherit = whip.inherit
    try:
        async with Keeper(me, redis, whip, driver.presence).running():
            yield whip
    finally:
        await whip.drain()


async def serve(settings: Settings) -> None:
    """Run one replica until SIGINT or SIGTERM. Raises `PortTaken` and what `replica` raises."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner: web.AppRunner | None = None
    try:
        async with (
            serving_tls(settings.tls_certificate, settings.tls_key) as tls,
            replica(settings) as app,
            _scraped(app[METRICS], settings.metrics_listen),
        ):
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
            await runner.setup()
            port = await _listen(runner, settings, tls)
            _spare_what_stays()
            log.info("serving", replica=settings.replica_id, port=port)
            await stop.wait()
            log.info("stopping", replica=settings.replica_id)
    finally:
        if runner is not None:
            await runner.cleanup()


def _spare_what_stays() -> None:
    """Have the garbage collector look less often, and never again at code and models, which are most of what there is.
    Nearly everything that comes and goes here is freed by counting references."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER, 10, 10)


async def _listen(runner: web.AppRunner, settings: Settings, tls: ssl.SSLContext | None) -> int:
    site = web.TCPSite(runner, settings.host, settings.port, ssl_context=tls)
    try:
        await site.start()
    except OSError as error:
        raise PortTaken(f"Port {settings.port} can't be used ({error.strerror}). Set NEXUSVIBE_PORT.") from error
    port: int = runner.addresses[0][1]
    return port


@asynccontextmanager
async def _scraped(metrics: Metrics, listen: str | None) -> AsyncIterator[None]:
    """Serve the figures there, if anywhere."""
    if listen is None:
        yield
        return
    host, port = server.address(listen)
    runner = web.AppRunner(server.application(metrics), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise PortTaken(f"{listen} can't be used ({error.strerror}). Set NEXUSVIBE_METRICS_LISTEN.") from error
        yield
    finally:
        await runner.cleanup()


async def _say_goodbye(endpoint: SignalingEndpoint) -> None:
    """Send every client elsewhere; those that do not go in time are cut off with the process."""
    goodbye = SessionEnded(
        seq=0, version=0, code="shutting_down", message="This server restarts; you are being reconnected.", final=False
    )
    try:
        async with asyncio.timeout(SHUTDOWN_S):
            await endpoint.shut_down(event_body(goodbye))
    except (TimeoutError, ControlPlaneError):
        log.warning("clients_left_behind")
