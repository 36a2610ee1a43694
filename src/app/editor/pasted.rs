//! Paths as they come out of file managers, shells and browsers.

/// The path that `pasted` means, whether it is quoted, escaped for a shell, or a `file://` address.
pub(super) fn path(pasted: &str) -> String {
    let text = pasted.trim();
    if let Some(rest) = text.strip_prefix("file://") {
        // Some name this machine between the second and the third slash.
        let path = rest.strip_prefix("localhost").unwrap_or(rest);
        return percent_decoded(path);
    }
    for quote in ['\'', '"'] {
        let inside = text
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote));
        if let Some(inside) = inside {
            return inside.to_owned();
        }
    }
    let is_path = ["/", "~", "."].iter().any(|start| text.starts_with(start));
    if is_path && text.contains('\\') {
        return unescaped(text);
    }
    text.to_owned()
}

/// Whether `path` needs nothing before it: it takes the place of what the field had.
pub(super) fn is_whole(path: &str) -> bool {
    ["/", "~/", "http://", "https://", "data:"]
        .iter()
        .any(|start| path.starts_with(start))
}

/// `a\ b` as `a b`.
fn unescaped(text: &str) -> String {
    let mut path = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => path.extend(chars.next()),
            c => path.push(c),
        }
    }
    path
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after
            .get(..2)
            .filter(|_| first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let (byte, taken) = hex.map_or((first, 0), |byte| (byte, 2));
        bytes.push(byte);
        rest = &after[taken..];
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_escapes_and_addresses_are_taken_off() {
        for (pasted, want) in [
            ("/home/a/face.png", "/home/a/face.png"),
            (" ~/faces/anna.png\n", "~/faces/anna.png"),
            ("'/home/a/my face.png'", "/home/a/my face.png"),
            ("\"/home/a/my face.png\"", "/home/a/my face.png"),
            ("/home/a/my\\ face\\ \\(2\\).png", "/home/a/my face (2).png"),
            ("file:///home/a/my%20face.png", "/home/a/my face.png"),
            ("file://localhost/a/%C3%A4.png", "/a/ä.png"),
            ("file:///a/100%.png", "/a/100%.png"),
            ("https://x/a%20b.png", "https://x/a%20b.png"),
            ("data:image/png;base64,QQ==", "data:image/png;base64,QQ=="),
            ("it's.png", "it's.png"),
            ("", ""),
        ] {
            assert_eq!(path(pasted), want, "{pasted:?}");
        }
    }
}
