//! Bundles the modules of the pages into one script, and those that only some pages need into others: sixty small
//! files one after the other take seconds on a phone. No other tool is needed.
//!
//! It reads only the modules in `static`, and fails the build on syntax that it does not know. Each module becomes
//! a function that is called once, in the order in which browsers would run them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::{fs, io};

/// The scripts of the pages.
#[derive(Debug)]
pub(crate) struct Scripts {
    /// What every page loads. The file name of each other part replaces its [`place_of`] placeholder.
    pub(crate) first: String,
    /// What is loaded on demand, in the order of the [`Part`]s.
    pub(crate) later: Vec<String>,
    /// The modules of all, by their paths.
    pub(crate) modules: Vec<String>,
}

/// A script that some pages load besides.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) name: &'static str,
    /// The entry modules, by path; the last part also gets every module that is in no other.
    pub(crate) entries: &'static [&'static str],
}

/// The placeholder for the file name of a part.
pub(crate) fn place_of(part: &str) -> String {
    format!("{{{part}}}")
}

/// A module's own code, apart from its imports.
#[derive(Debug, Default)]
struct Module {
    /// What it imports, and from which module.
    imports: Vec<(String, String)>,
    /// What it imports dynamically.
    later: Vec<String>,
    /// What it exports, as the members of an object.
    exports: Vec<String>,
    body: String,
}

/// Reads the modules below `folder`, starting at `entry`. A module that two parts need goes into the first script.
///
/// # Errors
/// If a file cannot be read.
///
/// # Panics
/// If a dynamically imported module belongs to another part than the one it was assigned to.
pub(crate) fn scripts(folder: &Path, entry: &str, parts: &[Part]) -> io::Result<Scripts> {
    let mut graph = Graph { folder, modules: BTreeMap::new(), order: Vec::new() };
    graph.visit(entry, &mut Vec::new())?;
    let count = graph.order.len();
    let part_of = |module: &str| {
        let named = parts.iter().position(|part| part.entries.contains(&module));
        named.unwrap_or(parts.len() - 1)
    };
    let mut of_parts = vec![Vec::new(); parts.len()];
    let mut at = 0;
    // Those may load others later in their turn.
    while at < graph.order.len() {
        for later in graph.modules[&graph.order[at]].later.clone() {
            let known = graph.order.len();
            graph.visit(&later, &mut Vec::new())?;
            let new = graph.order[known..].to_vec();
            of_parts[part_of(&later)].extend(new);
        }
        at += 1;
    }
    let mut first = graph.order[..count].to_vec();
    let shared = graph.needed_elsewhere(&first, &of_parts);
    first.extend(graph.order.iter().filter(|name| shared.contains(*name)).cloned());
    for (at, modules) in of_parts.iter_mut().enumerate() {
        modules.retain(|name| !shared.contains(name));
        for name in modules {
            let is_entry = graph.modules.values().any(|module| module.later.contains(name));
            assert!(!is_entry || part_of(name) == at, "{name} is in another part than it is to be");
        }
    }
    Ok(Scripts {
        first: loader(parts) + &graph.write(&first),
        later: of_parts.iter().map(|modules| as_part(&graph.write(modules))).collect(),
        modules: graph.order.clone(),
    })
}

/// The loader of the parts: each is loaded once, and again if that failed.
fn loader(parts: &[Part]) -> String {
    let (last, named) = parts.split_last().expect("what is in no other is in the last");
    let mut files = String::new();
    for part in named {
        for entry in part.entries {
            // Writing to a `String` cannot fail.
            let _ = write!(files, "{entry:?}:\"{}\",", place_of(part.name));
        }
    }
    format!(
        "const $m={{}};\nconst $files={{{files}}};\nconst $more={{}};\n\
         const $later=(name)=>{{const file=$files[name]??\"{}\";\
         return ($more[file]??=import(new URL(file,import.meta.url))\
         .then(({{default:more}})=>more($m,$later)).catch((error)=>{{delete $more[file];throw error;}}))\
         .then(()=>$m[name]);}};\n",
        place_of(last.name)
    )
}

fn as_part(modules: &str) -> String {
    format!("export default ($m,$later)=>{{\n{modules}}};\n")
}

/// A script that runs in a worker, with all modules that it needs, and their names.
///
/// # Errors
/// If a file cannot be read.
pub(crate) fn worker(folder: &Path, entry: &str) -> io::Result<(String, Vec<String>)> {
    let mut graph = Graph { folder, modules: BTreeMap::new(), order: Vec::new() };
    graph.visit(entry, &mut Vec::new())?;
    for (name, module) in &graph.modules {
        assert!(module.later.is_empty(), "{name}: a worker loads nothing later");
    }
    Ok((format!("const $m={{}};\n{}", graph.write(&graph.order)), graph.order))
}

struct Graph<'a> {
    folder: &'a Path,
    modules: BTreeMap<String, Module>,
    /// As they run: each after all that it takes something from.
    order: Vec<String>,
}

impl Graph<'_> {
    fn visit(&mut self, name: &str, path: &mut Vec<String>) -> io::Result<()> {
        assert!(
            !path.iter().any(|on_it| on_it == name),
            "modules in a circle: {path:?} and {name}"
        );
        if self.modules.contains_key(name) {
            return Ok(());
        }
        let file = self.folder.join(name);
        let source = fs::read_to_string(&file).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", file.display()))
        })?;
        let module = Module::parse(name, &source);
        path.push(name.to_owned());
        for (from, _) in &module.imports {
            self.visit(from, path)?;
        }
        path.pop();
        self.modules.insert(name.to_owned(), module);
        self.order.push(name.to_owned());
        Ok(())
    }

    /// The modules of parts that another part needs as well, with all that they need themselves.
    fn needed_elsewhere(&self, first: &[String], of_parts: &[Vec<String>]) -> BTreeSet<String> {
        let needed_by = |name: &String| self.modules[name].imports.iter().map(|(needed, _)| needed);
        let mut elsewhere: Vec<&String> = Vec::new();
        for modules in of_parts {
            let needed = modules.iter().flat_map(needed_by);
            elsewhere.extend(needed.filter(|name| !modules.contains(name)));
        }
        let mut shared = BTreeSet::new();
        while let Some(name) = elsewhere.pop() {
            if !first.contains(name) && shared.insert(name.clone()) {
                elsewhere.extend(needed_by(name));
            }
        }
        shared
    }

    fn write(&self, names: &[String]) -> String {
        let mut script = String::new();
        for name in names {
            let module = &self.modules[name];
            let out = &mut script;
            // Writing to a `String` cannot fail.
            let _ = writeln!(out, "$m[{name:?}]=(()=>{{");
            for (from, names) in &module.imports {
                let _ = writeln!(out, "const {{{names}}}=$m[{from:?}];");
            }
            let _ =
                writeln!(out, "{}return {{{}}};\n}})();", module.body, module.exports.join(","));
        }
        script
    }
}

impl Module {
    fn parse(name: &str, source: &str) -> Self {
        let mut module = Self::default();
        let mut lines = source.lines();
        let mut is_comment = false;
        while let Some(line) = lines.next() {
            let trimmed = line.trim();
            if is_comment {
                is_comment = !trimmed.contains("*/");
                continue;
            }
            if trimmed.is_empty() || trimmed.starts_with("//") {
                continue;
            }
            if trimmed.starts_with("/*") && (!trimmed.contains("*/") || trimmed.ends_with("*/")) {
                is_comment = !trimmed.contains("*/");
                continue;
            }
            // No string literal spans several lines, so that indentation can be dropped.
            let mut line = without_comments(name, trimmed);
            let ticks = line.matches('`').count() - line.matches("\\`").count();
            assert!(ticks.is_multiple_of(2), "{name}: a template of several lines: {line}");
            if line.starts_with("import ") || line.starts_with("export {") {
                while !line.ends_with(';') {
                    let more = lines.next().unwrap_or_else(|| panic!("{name}: no end of {line}"));
                    line = format!("{line} {}", more.trim());
                }
                module.connect(name, &line);
                continue;
            }
            let line = match line.strip_prefix("export ") {
                Some(declared) => {
                    module.exports.push(declared_name(name, declared));
                    declared
                }
                None => line.as_str(),
            };
            let line = module.with_later(name, line);
            module.body.push_str(&line);
            module.body.push('\n');
        }
        module
    }

    /// Takes in a statement that names another module.
    fn connect(&mut self, name: &str, statement: &str) {
        let is_export = statement.starts_with("export");
        let parts = statement.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
        let (names, rest) = parts.unwrap_or_else(|| panic!("{name}: not taken: {statement}"));
        let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
        let from = rest.trim().trim_end_matches(';');
        if is_export && from.is_empty() {
            self.exports.extend(names.map(str::to_owned));
            return;
        }
        let path = from.strip_prefix("from \"").and_then(|path| path.strip_suffix('"'));
        let from = resolve(name, path.unwrap_or_else(|| panic!("{name}: not taken: {statement}")));
        if is_export {
            self.exports.extend(names.map(|name| format!("{name}:$m[{from:?}].{name}")));
            self.imports.push((from, String::new()));
        } else {
            let names: Vec<_> = names.map(|name| name.replace(" as ", ":")).collect();
            self.imports.push((from, names.join(",")));
        }
    }

    /// A line in which a dynamic import becomes a call of the loader.
    fn with_later(&mut self, name: &str, line: &str) -> String {
        let Some((before, rest)) = line.split_once("import(\"") else { return line.to_owned() };
        let (path, after) = rest.split_once("\")").unwrap_or_else(|| panic!("{name}: {line}"));
        let later = resolve(name, path);
        self.later.push(later.clone());
        format!("{before}$later({later:?}){}", self.with_later(name, after))
    }
}

/// The name that an exported declaration declares.
fn declared_name(name: &str, declared: &str) -> String {
    let kinds = ["const ", "function ", "async function ", "class "];
    let rest = kinds.iter().find_map(|kind| declared.strip_prefix(kind));
    let rest = rest.unwrap_or_else(|| panic!("{name}: not taken: export {declared}"));
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    assert!(end > 0, "{name}: not taken: export {declared}");
    rest[..end].to_owned()
}

/// A line without its JSDoc types.
fn without_comments(name: &str, line: &str) -> String {
    let Some((before, rest)) = line.split_once("/**") else { return line.to_owned() };
    let is_text = ['"', '`'].iter().any(|quote| !before.matches(*quote).count().is_multiple_of(2));
    let end = rest.split_once("*/").filter(|_| !is_text);
    let (_, after) = end.unwrap_or_else(|| panic!("{name}: a comment that is none: {line}"));
    format!("{before}{}", without_comments(name, after.strip_prefix(' ').unwrap_or(after)))
}

/// The module at `path`, as the one called `from` writes it.
fn resolve(from: &str, path: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => assert!(parts.pop().is_some(), "{from}: {path} leads out of the scripts"),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The styles of the pages in one, in this order.
///
/// # Errors
/// If a file cannot be read.
pub(crate) fn styles(folder: &Path, names: &[&str]) -> io::Result<String> {
    let mut all = String::new();
    for name in names {
        let source = fs::read_to_string(folder.join(name))?;
        let mut parts = source.split("/*");
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            text.push_str(part.split_once("*/").map_or("", |(_, after)| after));
        }
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        all.extend(lines.flat_map(|line| [line, "\n"]));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The scripts that are made of these modules, of which the first is where they begin.
    fn made_of(modules: &[(&str, &str)]) -> Scripts {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, source) in modules {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().expect("it has one")).expect("it can be made");
            fs::write(file, source).expect("it can be written");
        }
        scripts(folder.path(), modules[0].0, &PARTS).expect("they can be read")
    }

    const PARTS: [Part; 2] =
        [Part { name: "some", entries: &["some.js"] }, Part { name: "others", entries: &[] }];

    #[test]
    fn modules_run_in_the_order_in_which_browsers_run_them() {
        let made = made_of(&[
            (
                "main.js",
                "import { b } from \"./views/b.js\";\nimport { a as c } from \"./a.js\";\nb(c);\n",
            ),
            ("a.js", "/** A. */\nexport const a = 1; // one\n"),
            (
                "views/b.js",
                "import {\n  a,\n} from \"../a.js\";\nexport function b(x) {\n  return x + a;\n}\n",
            ),
        ]);
        assert_eq!(made.modules, ["a.js", "views/b.js", "main.js"]);
        let (_, script) = made.first.split_once("(()=>$m[name]);};\n").expect("it begins so");
        let expected = "$m[\"a.js\"]=(()=>{\nconst a = 1; // one\nreturn {a};\n})();\n\
            $m[\"views/b.js\"]=(()=>{\nconst {a}=$m[\"a.js\"];\nfunction b(x) {\nreturn x + a;\n}\nreturn {b};\n})();\n\
            $m[\"main.js\"]=(()=>{\nconst {b}=$m[\"views/b.js\"];\nconst {a:c}=$m[\"a.js\"];\nb(c);\nreturn {};\n})();\n";
        assert_eq!(script, expected);
        assert_eq!(made.later, ["export default ($m,$later)=>{\n};\n"; 2]);
    }

    #[test]
    fn what_is_loaded_later_is_in_its_part_and_nothing_is_in_two() {
        let made = made_of(&[
            (
                "main.js",
                "import { a } from \"./a.js\";\nconst b = () => import(\"./b.js\");\n\
                 const d = () => import(\"./some.js\");\nb(a);\n",
            ),
            ("a.js", "export const a = 1;\n"),
            (
                "b.js",
                "import { a } from \"./a.js\";\nimport { c } from \"./c.js\";\nexport const b = a + c;\n",
            ),
            ("c.js", "export { a } from \"./a.js\";\nexport const c = 2;\n"),
            ("some.js", "import { e } from \"./e.js\";\nexport const d = e;\n"),
            ("e.js", "export const e = 3;\n"),
        ]);
        assert_eq!(made.modules, ["a.js", "main.js", "c.js", "b.js", "e.js", "some.js"]);
        assert!(made.first.contains("const b = () => $later(\"b.js\");"), "{}", made.first);
        assert!(made.first.contains("const $files={\"some.js\":\"{some}\",};"), "{}", made.first);
        assert!(made.first.contains("$files[name]??\"{others}\""), "{}", made.first);
        let [some, others] = made.later.as_slice() else { panic!("{:?}", made.later) };
        for (name, part) in [
            ("a.js", &made.first),
            ("main.js", &made.first),
            ("b.js", others),
            ("c.js", others),
            ("some.js", some),
            ("e.js", some),
        ] {
            for script in [&made.first, some, others] {
                let is_in = script.contains(&format!("$m[\"{name}\"]=(()"));
                assert_eq!(is_in, script == part, "{name}: {script}");
            }
        }
        assert!(others.contains("return {a:$m[\"a.js\"].a,c};"), "{others}");
    }

    #[test]
    fn what_two_parts_need_is_in_the_first_script() {
        let made = made_of(&[
            (
                "main.js",
                "const c = [() => import(\"./some.js\"), () => import(\"./b.js\")];\nc();\n",
            ),
            ("some.js", "import { a } from \"./a.js\";\na();\n"),
            ("b.js", "import { a } from \"./a.js\";\na();\n"),
            ("a.js", "import { e } from \"./e.js\";\nexport const a = () => e;\n"),
            ("e.js", "export const e = 1;\n"),
        ]);
        let begins = |name: &str| made.first.find(&format!("$m[\"{name}\"]=(()"));
        let (a, e) = (begins("a.js").expect("it is there"), begins("e.js").expect("so is it"));
        assert!(e < a, "{}", made.first);
        for part in &made.later {
            assert!(!part.contains("$m[\"a.js\"]=(()"), "{part}");
        }
    }

    #[test]
    fn what_runs_beside_the_pages_has_all_that_it_needs() {
        let folder = tempfile::tempdir().expect("a folder");
        let sources = [
            ("worker.js", "import { a } from \"./a.js\";\na();\n"),
            ("a.js", "export const a = () => 1;\n"),
        ];
        for (name, source) in sources {
            fs::write(folder.path().join(name), source).expect("it can be written");
        }
        let (script, modules) = worker(folder.path(), "worker.js").expect("they can be read");
        assert_eq!(modules, ["a.js", "worker.js"]);
        let expected = "const $m={};\n$m[\"a.js\"]=(()=>{\nconst a = () => 1;\nreturn {a};\n})();\n\
            $m[\"worker.js\"]=(()=>{\nconst {a}=$m[\"a.js\"];\na();\nreturn {};\n})();\n";
        assert_eq!(script, expected);
    }

    #[test]
    fn types_and_comments_are_left_out() {
        let made = made_of(&[(
            "main.js",
            "// @ts-check\n/**\n * @param {string} a\n */\nconst b = /** @type {HTMLElement} */ (c);\n\n/** D. */\nd(`//`, \"https://a\");\n",
        )]);
        assert!(made.first.contains("const b = (c);\nd(`//`, \"https://a\");\n"), "{}", made.first);
        assert!(!made.first.contains("@"), "{}", made.first);
    }

    #[test]
    fn styles_keep_their_order() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, source) in
            [("a.css", "/* A. */\na {\n  b: c;\n}\n"), ("b.css", "d { e: f } /* g */\n")]
        {
            fs::write(folder.path().join(name), source).expect("it can be written");
        }
        let made = styles(folder.path(), &["b.css", "a.css"]).expect("they can be read");
        assert_eq!(made, "d { e: f }\na {\nb: c;\n}\n");
    }

    #[test]
    fn what_is_not_known_stops_the_build() {
        for source in [
            "import * as a from \"./a.js\";\n",
            "import \"./a.js\";\n",
            "export default 1;\n",
            "export let a = 1;\n",
            "export const { a } = b;\n",
            "const a = `\n`;\n",
            "const a = \"/** */\";\n",
            "import { a } from \"../a.js\";\n",
            "import { a } from \"a\"\n",
            "import { a } from \"./main.js\";\n",
        ] {
            let caught = std::panic::catch_unwind(|| made_of(&[("main.js", source), ("a.js", "")]));
            assert!(caught.is_err(), "{source}");
        }
    }
}
