//! The one canonical form of each identifier type, applied on write and on read.

use unicode_normalization::UnicodeNormalization;

/// How the values of an identifier type are brought to their one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Canonical {
    /// White space around it is dropped; nothing else changes.
    Exact,
    /// Trimmed, Unicode NFC, lower case.
    Lower,
    /// Trimmed, lower case, domain in its ASCII form (UTS 46). Dots and `+tags` are part of the address.
    Email,
    /// E.164, such as `+4930123456`. The country code must be there: no country is guessed.
    Phone,
}

impl Canonical {
    /// The canonical form of `raw`; else what is wrong with it, without the value.
    pub fn apply(self, raw: &str) -> Result<String, &'static str> {
        let trimmed = raw.trim();
        match self {
            Self::Exact => Ok(trimmed.to_owned()),
            Self::Lower => Ok(trimmed.nfc().collect::<String>().to_lowercase()),
            Self::Email => email(trimmed),
            Self::Phone => phone(trimmed),
        }
    }
}

/// Values that name nobody (`null`, `-1`) are let through as they are: the model's block list wants to see them.
fn email(trimmed: &str) -> Result<String, &'static str> {
    let Some((local, domain)) = trimmed.rsplit_once('@') else {
        return Ok(trimmed.nfc().collect::<String>().to_lowercase());
    };
    let domain = idna::domain_to_ascii(domain).map_err(|_| "has a domain that is no domain name")?;
    let address = format!("{}@{domain}", local.nfc().collect::<String>().to_lowercase());
    if !email_address::EmailAddress::is_valid(&address) {
        return Err("is not an e-mail address");
    }
    Ok(address)
}

fn phone(trimmed: &str) -> Result<String, &'static str> {
    if !trimmed.starts_with('+') {
        let looks_like_a_number = trimmed.bytes().filter(u8::is_ascii_digit).count() >= 5;
        return match looks_like_a_number && !trimmed.bytes().all(|b| b == b'0' || b == b'-') {
            true => Err("is a phone number without a country code; write it as +…"),
            false => Ok(trimmed.to_lowercase()),
        };
    }
    let number = phonenumber::parse(None, trimmed).map_err(|_| "is not a phone number")?;
    Ok(number.format().mode(phonenumber::Mode::E164).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let email = |raw| Canonical::Email.apply(raw);
        assert_eq!(email("  Joe.Bloggs+news@Example.COM "), Ok("joe.bloggs+news@example.com".into()));
        assert_eq!(email("jürgen@bücher.example"), Ok("jürgen@xn--bcher-kva.example".into()));
        assert!(email("joe@@").is_err());
        assert_eq!(email("NULL"), Ok("null".into()));

        let phone = |raw| Canonical::Phone.apply(raw);
        assert_eq!(phone("+49 (30) 1234-56"), Ok("+4930123456".into()));
        assert!(phone("030 123456").is_err());
        assert_eq!(phone("0000000"), Ok("0000000".into()));

        assert_eq!(Canonical::Exact.apply(" Ab "), Ok("Ab".into()));
        assert_eq!(Canonical::Lower.apply("ÅB"), Ok("åb".into()));
    }

    #[test]
    fn applying_twice_changes_nothing() {
        for (form, raw) in [
            (Canonical::Email, "Jürgen@BÜCHER.example"),
            (Canonical::Phone, "+1 650 253 0000"),
            (Canonical::Lower, "E\u{301}A"),
            (Canonical::Exact, " x y "),
        ] {
            let once = form.apply(raw).unwrap();
            assert_eq!(form.apply(&once), Ok(once.clone()));
        }
    }
}
