//! A unit of systemd as it is installed: the `[Service]` directives of its file and drop-ins, each with its place.

use super::host::{Host, Unread, if_there, shown};

/// Where units are, the strongest first.
const FOLDERS: [&str; 4] =
    ["/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];

/// One assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Left of the `=`.
    pub key: String,
    /// Right of it.
    pub value: String,
    /// The file.
    pub file: String,
    /// The line in it, from 1.
    pub line: usize,
}

impl Directive {
    /// Whether a switch is on.
    pub fn is_on(&self) -> bool {
        ["1", "yes", "true", "on", "y", "t"].iter().any(|word| self.value.eq_ignore_ascii_case(word))
    }

    /// The assignment and where it stands.
    pub fn text(&self) -> String {
        format!("{}={} ({}:{})", shown(&self.key), shown(&self.value), self.file, self.line)
    }
}

/// What is set, in the order in which it takes effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its main file.
    pub file: String,
    directives: Vec<Directive>,
}

impl Unit {
    /// Reads a unit by its name; `None` where it is not installed.
    pub fn load(host: &Host, name: &str) -> Result<Option<Unit>, Unread> {
        let mut main = None;
        for folder in FOLDERS {
            let path = format!("{folder}/{name}");
            if let Some(text) = host.text_if_there(&path)? {
                main = Some((path, text));
                break;
            }
        }
        let Some((file, text)) = main else { return Ok(None) };
        let mut unit = Unit { file: file.clone(), directives: Vec::new() };
        unit.take(&file, &text);
        // A drop-in hides those of its name in weaker folders; all of them apply in the order of their names.
        let mut drop_ins: Vec<(String, String)> = Vec::new();
        for folder in FOLDERS {
            for drop_in_folder in [format!("{folder}/{name}.d"), format!("{folder}/service.d")] {
                for drop_in in if_there(host.names(&drop_in_folder))?.unwrap_or_default() {
                    if drop_in.ends_with(".conf") && !drop_ins.iter().any(|(other, _)| *other == drop_in) {
                        let path = format!("{drop_in_folder}/{drop_in}");
                        drop_ins.push((drop_in, path));
                    }
                }
            }
        }
        drop_ins.sort();
        for (_, path) in drop_ins {
            let text = host.text_if_there(&path)?.unwrap_or_default();
            unit.take(&path, &text);
        }
        Ok(Some(unit))
    }

    fn take(&mut self, file: &str, text: &str) {
        let mut section = String::new();
        let mut logical = String::new();
        let mut started = 0;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.starts_with(['#', ';']) {
                continue;
            }
            if logical.is_empty() {
                started = number + 1;
            }
            if let Some(begun) = line.strip_suffix('\\') {
                logical.push_str(begun);
                logical.push(' ');
                continue;
            }
            logical.push_str(line);
            let whole = std::mem::take(&mut logical);
            if whole.starts_with('[') {
                section = whole;
            } else if let (Some((key, value)), "[Service]") = (whole.split_once('='), section.as_str()) {
                let (key, value) = (key.trim().to_string(), value.trim().to_string());
                self.directives.push(Directive { key, value, file: file.to_string(), line: started });
            }
        }
    }

    /// Every assignment of a list that is in force: an empty one forgets those before it.
    pub fn all(&self, key: &str) -> Vec<&Directive> {
        let all: Vec<&Directive> = self.directives.iter().filter(|directive| directive.key == key).collect();
        let reset = all.iter().rposition(|directive| directive.value.is_empty()).map_or(0, |last| last + 1);
        all[reset..].to_vec()
    }

    /// The assignment that counts.
    pub fn last(&self, key: &str) -> Option<&Directive> {
        self.all(key).last().copied()
    }

    /// What takes a system call away, of the filter's lists: `None` where it stays allowed. `sets` are the names of
    /// the call and of the groups that hold it.
    pub fn denies(&self, sets: &[&str]) -> Option<&Directive> {
        let filters = self.all("SystemCallFilter");
        let first = *filters.first()?;
        let mut denied = (!first.value.starts_with('~')).then_some(first);
        for filter in filters {
            let (inverted, list) = match filter.value.strip_prefix('~') {
                Some(list) => (true, list),
                None => (false, filter.value.as_str()),
            };
            if list.split_whitespace().any(|word| sets.contains(&word.split(':').next().unwrap_or(word))) {
                denied = inverted.then_some(filter);
            }
        }
        denied
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn planted(files: &[(&str, &str)]) -> Unit {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Unit::load(&Host::below(root.path()), "m.service").unwrap().unwrap()
    }

    #[test]
    fn drop_ins_apply_by_name_and_stronger_folders_hide_weaker_ones() {
        let unit = planted(&[
            ("usr/lib/systemd/system/m.service", "[Unit]\nA=0\n[Service]\nA=1\nB=1\nC=1 \\\n# no\n 2\nD=4\n"),
            ("usr/lib/systemd/system/m.service.d/20.conf", "[Service]\nA=weak\n"),
            ("etc/systemd/system/m.service.d/20.conf", "[Service]\nA=2\nB=\n"),
            ("etc/systemd/system/m.service.d/10.conf", "[Service]\nA=3\n"),
        ]);
        assert_eq!(unit.last("A").unwrap().text(), "A=2 (/etc/systemd/system/m.service.d/20.conf:2)");
        assert_eq!(unit.last("B"), None, "an empty assignment forgets");
        assert_eq!(unit.last("C").unwrap().value.split_whitespace().collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(unit.last("D").unwrap().line, 9);
    }

    #[test]
    fn the_last_list_that_names_a_call_decides_about_it() {
        let sets = ["@resources", "@system-service"];
        for (filters, denied) in [
            ("", false),
            ("SystemCallFilter=@system-service\n", false),
            ("SystemCallFilter=@basic-io\n", true),
            ("SystemCallFilter=@system-service\nSystemCallFilter=~@resources\n", true),
            ("SystemCallFilter=~@resources:EPERM\n", true),
            ("SystemCallFilter=~@mount\n", false),
            ("SystemCallFilter=~@resources\nSystemCallFilter=\n", false),
            ("SystemCallFilter=@basic-io\nSystemCallFilter=@resources\n", false),
        ] {
            let unit = planted(&[("lib/systemd/system/m.service", &format!("[Service]\n{filters}"))]);
            assert_eq!(unit.denies(&sets).is_some(), denied, "{filters:?}");
        }
    }
}
