"""ICE servers in headers."""

from control_plane.signaling.messages import IceServer
from control_plane.whip.links import ice_links


def test_each_address_of_each_server_is_a_link_with_the_credentials_that_it_needs() -> None:
    stun = IceServer(urls=("stun:stun.example.net",))
    turn = IceServer(
        urls=("turn:t.example.net?transport=udp", "turns:t.example.net"), username="17:p", credential='a"b\\'
    )
    secret = 'username="17:p"; credential="a\\"b\\\\"; credential-type="password"'
    assert list(ice_links([stun, turn])) == [
        '<stun:stun.example.net>; rel="ice-server"',
        f'<turn:t.example.net?transport=udp>; rel="ice-server"; {secret}',
        f'<turns:t.example.net>; rel="ice-server"; {secret}',
    ]
