//! The example of a method: the success of its fixture file, which the tests prove. The reference, the OpenAPI file, the
//! demo and the tests show it.

use super::encoding::form;
use super::envelope::PerDialect;
use super::method::Method;
use super::parameters::Parameters;

/// A call that a fresh demo world answers with success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The parameters, without the hash.
    pub sent: Parameters,
    /// The part of the path after the method's name.
    pub segment: Option<String>,
    /// The whole answer.
    pub answer: PerDialect<&'static str>,
}

impl Method {
    /// Its example; none if its fixture file has no `success` with the request in one line.
    pub fn example(&self) -> Option<Example> {
        let (request, answer) = case(self.fixture, "success")?;
        let current = case(self.fixture, "success-current");
        let target = request.strip_prefix("POST ")?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut pairs = form(query.as_bytes()).ok()?;
        pairs.retain(|(name, _)| name != "hash");
        let segment = path.split(self.name).nth(1)?.strip_prefix('/');
        Some(Example {
            sent: Parameters::new(pairs).ok()?,
            segment: segment.map(Into::into),
            answer: PerDialect {
                classic: answer,
                current: current.map_or(answer, |(_, answer)| answer),
            },
        })
    }
}

/// The request line and the answer of a case.
fn case<'a>(fixture: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let cases = fixture.split("\n### ").skip(1);
    let named = |case: &&str| case.split([':', '\n']).next() == Some(name);
    let case = { cases }.find(named)?;
    let (request, answer) = case.split_once("\n=> ")?;
    let mut lines = request.lines().skip(1);
    let request = lines.find(|line| !line.starts_with('#'))?;
    Some((request, answer.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXTURE: &str = "# balance

### other: Not this.
POST /billing/api/balance?u=b
=> <page></page>

### success-current
POST /billing/api/balance?u=c
=> 1.0

### success: With what is done first.
# given: settings set allow_get on
POST /billing/api/balance/7%2F8?u=a+b&comment=%C5%BE&hash=1f
=> <page>
  <a></a>
</page>
";

    #[test]
    fn an_example_is_the_success_of_a_fixture_file() {
        let method = |fixture| Method {
            name: "balance",
            fixture,
            ..Method::DEFAULT
        };
        let example = method(FIXTURE).example().unwrap();
        let sent: Vec<_> = example.sent.iter().collect();
        assert_eq!(sent, [("u", "a b"), ("comment", "ž")]);
        assert_eq!(example.segment.as_deref(), Some("7%2F8"));
        assert_eq!(example.answer.classic, "<page>\n  <a></a>\n</page>");
        assert_eq!(example.answer.current, "1.0");
        let (other, _) = FIXTURE.split_once("### success").unwrap();
        assert_eq!(method(other).example(), None);
        let same = Box::leak(FIXTURE.replace("-current", "-other").into_boxed_str());
        let answer = method(same).example().unwrap().answer;
        assert_eq!(answer.current, answer.classic);
    }
}
