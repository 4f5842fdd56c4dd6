//! What counts as one address: an IPv4 address, or the IPv6 networks that one customer may have.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

/// The widths of the IPv6 networks that are counted, and how many times an address's limit each of them has. A customer
/// has a /64 at least, often a /56, and a company a /48.
pub const IPV6: [(u8, u32); 3] = [(64, 1), (56, 2), (48, 4)];
const IPV4: [(u8, u32); 1] = [(32, 1)];

/// Addresses that are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    addresses: IpNet,
    /// How many times an address's limit this network has.
    pub times: u32,
}

impl Network {
    /// The networks that an address counts in, the narrowest first. `::ffff:192.0.2.1` is 192.0.2.1.
    pub fn all(address: IpAddr) -> impl Iterator<Item = Self> + Clone {
        let address = address.to_canonical();
        let widths: &[(u8, u32)] = match address {
            IpAddr::V4(_) => &IPV4,
            IpAddr::V6(_) => &IPV6,
        };
        widths.iter().map(move |(width, times)| Self {
            addresses: IpNet::new(address, *width)
                .expect("no width is above an address's own")
                .trunc(),
            times: *times,
        })
    }

    /// The network that counts as one address.
    pub fn of(address: IpAddr) -> Self {
        let mut all = Self::all(address);
        all.next().expect("there is one for every address")
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.addresses.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(address: &str) -> Vec<String> {
        let networks = Network::all(address.parse().unwrap());
        networks
            .map(|network| format!("{network} {}", network.times))
            .collect()
    }

    #[test]
    fn a_customer_of_ipv6_is_one_and_a_mapped_address_is_its_ipv4() {
        assert_eq!(all("192.0.2.1"), ["192.0.2.1/32 1"]);
        assert_eq!(all("::ffff:192.0.2.1"), ["192.0.2.1/32 1"]);
        assert_eq!(
            all("2001:db8:1:2fff::9"),
            [
                "2001:db8:1:2fff::/64 1",
                "2001:db8:1:2f00::/56 2",
                "2001:db8:1::/48 4"
            ]
        );
    }
}
