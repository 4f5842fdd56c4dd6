//! Passwords: which are good enough, and how they are stored.

use argon2::{Argon2, PasswordHasher};

use crate::ambient::Ambient;
use crate::service::{Error, Field, Rule};
use crate::store::StoreError;

/// Shortest password, in characters.
pub const MIN_PASSWORD: usize = 8;
/// Longest password, in characters. It bounds the work that a stranger can cause.
pub const MAX_PASSWORD: usize = 128;
/// Length of the passwords that linebook makes.
pub const GENERATED_PASSWORD: usize = 20;

/// A password has [`MIN_PASSWORD`] to [`MAX_PASSWORD`] characters, none of them a control character.
pub fn check(password: &str) -> Result<(), Error> {
    let length = password.chars().count();
    if !(MIN_PASSWORD..=MAX_PASSWORD).contains(&length) || password.chars().any(char::is_control) {
        return Err(Rule::Invalid(Field::NewPassword).into());
    }
    Ok(())
}

/// What makes equal passwords different strings.
pub(in crate::service) type Salt = [u8; 16];

/// A salt of its own for a new password.
pub(in crate::service) fn salt(ambient: &Ambient) -> Salt {
    ambient.bytes()
}

/// The argon2id string that is stored for a password. It takes tens of milliseconds and 19 MiB, so a server leaves it
/// to [`super::verifier::Verifier::hash`], and it never runs in the writer.
pub fn hash(password: &str, ambient: &Ambient) -> Result<String, Error> {
    check(password)?;
    hash_with(password, &salt(ambient))
}

/// The argon2id string of a password that was checked.
pub(in crate::service) fn hash_with(password: &str, salt: &Salt) -> Result<String, Error> {
    let hash = Argon2::default()
        .hash_password_with_salt(password.as_bytes(), salt)
        .map_err(|error| {
            tracing::error!(%error, "argon2 refused");
            StoreError::Internal
        })?;
    Ok(hash.to_string())
}

/// A random password.
pub fn generate(ambient: &Ambient) -> String {
    ambient.secret(GENERATED_PASSWORD)
}

#[cfg(test)]
mod tests {
    use crate::ambient::Ambient;
    use crate::service::guard::passwords::{check, hash};

    #[test]
    fn a_password_has_8_to_128_characters_and_no_control_character() {
        assert!(check(&"ä".repeat(7)).is_err());
        assert!(check(&"ä".repeat(8)).is_ok());
        assert!(check(&"ä".repeat(128)).is_ok());
        assert!(check(&"ä".repeat(129)).is_err());
        assert!(check("pass\nword").is_err());
    }

    #[test]
    fn a_hash_is_argon2id_with_a_salt_of_its_own() {
        let ambient = Ambient::fixed(0, 1);
        let first = hash("correct horse", &ambient).expect("a good password");
        let second = hash("correct horse", &ambient).expect("a good password");
        assert!(
            first.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{first}"
        );
        assert_ne!(first, second);
        assert!(hash("short", &ambient).is_err());
    }
}
