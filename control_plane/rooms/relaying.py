"""What a media node says to a client: offers, answers and candidates, as the client hears them."""

from control_plane.rooms.arrivals import Milestone
from control_plane.rooms.member import Member
from control_plane.rooms.placed import Placed
from control_plane.signaling.messages import CandidateEvent, DescriptionEvent
from media_adapters.events import CandidateGathered, SubscriberOffered
from media_adapters.models import PeerConnectionRole, PublisherAnswer, SessionDescription


def tell_answer(member: Member, placed: Placed, answer: PublisherAnswer) -> None:
    event = DescriptionEvent(
        seq=0,
        version=member.room.version,
        epoch=placed.epoch,
        pc=PeerConnectionRole.PUBLISHER,
        negotiation=answer.negotiation,
        description=SessionDescription(type="answer", sdp=answer.sdp),
    )
    member.tell(event)


def tell_offer(member: Member, placed: Placed, event: SubscriberOffered) -> None:
    offer = DescriptionEvent(
        seq=0,
        version=member.room.version,
        epoch=placed.epoch,
        pc=PeerConnectionRole.SUBSCRIBER,
        negotiation=event.negotiation,
        description=SessionDescription(type="offer", sdp=event.sdp),
        tracks=event.tracks,
    )
    placed.negotiations.offered(event.negotiation)
    member.reached(Milestone.OFFERED)
    member.tell(offer)


def tell_candidate(member: Member, placed: Placed, event: CandidateGathered) -> None:
    candidate = CandidateEvent(
        seq=0,
        version=member.room.version,
        epoch=placed.epoch,
        pc=event.pc,
        negotiation=placed.negotiations.number(event.pc),
        candidate=event.candidate,
    )
    member.connection.send_event(candidate.model_dump_json(exclude={"seq"}, by_alias=True))
