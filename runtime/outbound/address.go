package outbound

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"

	"code.dny.dev/ssrf"
)

// addressError is a dial to an address that policy forbids.
type addressError struct {
	addr  netip.Addr
	why   string
	never bool // not even for a private connection
}

func (e *addressError) Error() string { return fmt.Sprintf("%s is %s", e.addr, e.why) }

// guard returns the check for a dialer: it sees the very address that is about
// to be connected to, so a name that resolves to something else the second
// time gains nothing.
func guard(private bool) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return err
		}
		addr, err := netip.ParseAddr(host)
		if err != nil {
			return err
		}
		if refused := judge(addr); refused != nil && (refused.never || !private) {
			return refused
		}
		return nil
	}
}

// judge returns nil for an address of the public internet.
func judge(addr netip.Addr) *addressError {
	addr = addr.Unmap().WithZone("")
	if slices.Contains(metadata, addr) {
		return &addressError{addr, "where a cloud keeps its machines' credentials", true}
	}
	if inner, ok := embedded(addr); ok {
		if refused := judge(inner); refused != nil && refused.never {
			return &addressError{addr, refused.why, true}
		}
	}
	for _, zone := range zones {
		if zone.prefix.Contains(addr) {
			return &addressError{addr, zone.why, zone.never}
		}
	}
	registered := ssrf.IPv4DeniedPrefixes
	if addr.Is6() {
		if registered = ssrf.IPv6DeniedPrefixes; !ssrf.IPv6GlobalUnicast.Contains(addr) {
			return &addressError{addr, "an address that nobody has been given", true}
		}
	}
	for _, prefix := range registered {
		if prefix.Contains(addr) {
			return &addressError{addr, noWords, false}
		}
	}
	return nil
}

// noWords is said of what the registries have and zones have not yet.
const noWords = "an address for a special purpose"

// metadata lists the addresses that hand credentials to whoever can reach them.
var metadata = []netip.Addr{
	netip.AddrFrom4([4]byte{169, 254, 169, 254}), // AWS, Azure, Google and most others
	netip.AddrFrom4([4]byte{169, 254, 170, 2}),   // AWS containers
	netip.AddrFrom4([4]byte{169, 254, 170, 23}),  // AWS pods
	netip.AddrFrom4([4]byte{168, 63, 129, 16}),   // Azure's wire server
	netip.AddrFrom4([4]byte{100, 100, 100, 200}), // Alibaba
	netip.AddrFrom4([4]byte{192, 0, 0, 192}),     // Oracle
	netip.MustParseAddr("fd00:ec2::254"),         // AWS
	netip.MustParseAddr("fd00:ec2::23"),          // AWS pods
	netip.MustParseAddr("fd20:ce::254"),          // Google
}

var (
	nat64  = netip.MustParsePrefix("64:ff9b::/96")
	sixTo4 = netip.MustParsePrefix("2002::/16")
)

// embedded returns the IPv4 address that a translator would take addr to mean.
func embedded(addr netip.Addr) (netip.Addr, bool) {
	b := addr.As16()
	switch {
	case nat64.Contains(addr):
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case sixTo4.Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}

type zone struct {
	prefix netip.Prefix
	why    string
	never  bool
}

// zones are the ranges of the registries of special-purpose addresses (RFC
// 6890 and its updates), in words, and whether a private connection may use them.
// What IANA adds to the registries comes with the library that is made from them.
var zones = []zone{
	{prefix4(0, 0, 0, 8), "an unspecified address", true},
	{prefix4(127, 0, 0, 8), "a loopback address", false},
	{prefix4(10, 0, 0, 8), "a private address", false},
	{prefix4(172, 16, 0, 12), "a private address", false},
	{prefix4(192, 168, 0, 16), "a private address", false},
	{prefix4(169, 254, 0, 16), "a link-local address", false},
	{prefix4(100, 64, 0, 10), "a carrier's inner address", false},
	{prefix4(192, 0, 0, 24), "a protocol's own address", false},
	{prefix4(192, 88, 99, 24), "a 6to4 relay", false},
	{prefix4(192, 31, 196, 24), "a name server for private addresses", false},
	{prefix4(192, 175, 48, 24), "a name server for private addresses", false},
	{prefix4(192, 52, 193, 24), "a multicast relay", false},
	{prefix4(192, 0, 2, 24), "an address for documentation", false},
	{prefix4(198, 18, 0, 15), "an address for benchmarks", false},
	{prefix4(198, 51, 100, 24), "an address for documentation", false},
	{prefix4(203, 0, 113, 24), "an address for documentation", false},
	{prefix4(224, 0, 0, 4), "a multicast address", true},
	{prefix4(240, 0, 0, 4), "a reserved address", true},
	{netip.MustParsePrefix("::/128"), "an unspecified address", true},
	{netip.MustParsePrefix("::1/128"), "a loopback address", false},
	{netip.MustParsePrefix("::/96"), "an IPv4 address in an outdated form", true},
	{nat64, "an IPv4 address behind NAT64", false},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "an IPv4 address behind NAT64", false},
	{netip.MustParsePrefix("100::/64"), "a discard address", true},
	{netip.MustParsePrefix("100:0:0:1::/64"), "a dummy address", true},
	{netip.MustParsePrefix("2001::/23"), "a protocol's own address", false},
	{netip.MustParsePrefix("2001:db8::/32"), "an address for documentation", false},
	{netip.MustParsePrefix("3fff::/20"), "an address for documentation", false},
	{netip.MustParsePrefix("2620:4f:8000::/48"), "a name server for private addresses", false},
	{netip.MustParsePrefix("5f00::/16"), "an address of segment routing", false},
	{sixTo4, "an IPv4 address behind 6to4", false},
	{netip.MustParsePrefix("fc00::/7"), "a private address", false},
	{netip.MustParsePrefix("fe80::/10"), "a link-local address", false},
	{netip.MustParsePrefix("fec0::/10"), "a site-local address", false},
	{netip.MustParsePrefix("ff00::/8"), "a multicast address", true},
}

func prefix4(a, b, c byte, bits int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{a, b, c, 0}), bits)
}
