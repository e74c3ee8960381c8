"""The style sheet of the HTML summary: light and dark, from a phone's width to a wide screen. Loads nothing."""

from __future__ import annotations

import base64
import hashlib

#: Text colours keep 4.5:1, shapes 3:1 against every ground they stand on; a test computes it.
LIGHT = {
    "ground": "#f4f6f8",
    "card": "#ffffff",
    "line": "#d5dbe1",
    "ink": "#1b2127",
    "soft": "#55606b",
    "saved": "#17702f",
    "unchanged": "#0b5cc2",
    "skipped": "#55606b",
    "failed": "#b91c28",
    "saved-tint": "#e3f4e7",
    "unchanged-tint": "#e4effc",
    "skipped-tint": "#e9edf0",
    "failed-tint": "#fdebec",
    "waiting": "#7f8b9b",
    "loading": "#1f6fd6",
    "writing": "#7b45d1",
    "earlier": "#b57500",
}
DARK = {
    "ground": "#0e1318",
    "card": "#171d24",
    "line": "#323b45",
    "ink": "#e8edf2",
    "soft": "#a3aeb9",
    "saved": "#56c271",
    "unchanged": "#6cb0ff",
    "skipped": "#a3aeb9",
    "failed": "#ff8a84",
    "saved-tint": "#12301b",
    "unchanged-tint": "#122943",
    "skipped-tint": "#28303a",
    "failed-tint": "#3a1a1d",
    "waiting": "#707b88",
    "loading": "#4d97f0",
    "writing": "#a77bf3",
    "earlier": "#d39a2c",
}

_RULES = """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
 "Noto Sans",sans-serif;overflow-wrap:anywhere}
main,header,footer{max-width:72rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:1.75rem}
h1{font-size:1.65rem;line-height:1.2;margin:.35rem 0 .25rem;letter-spacing:-.01em}
h2{font-size:1.1rem;margin:0 0 .75rem}
h3{font-size:1rem;margin:0}
p{margin:.25rem 0}
a{color:var(--unchanged)}
.small a{color:inherit}
.facts+p{margin-top:.8rem}
.soft,footer,figcaption,caption{color:var(--soft)}
.small{font-size:.84rem}
.org{font-weight:600}
section{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1.1rem 1.25rem;margin:1rem 0}
svg{display:block;width:100%;overflow:hidden}
.share{height:.6rem;border-radius:.3rem;margin:1rem 0 .6rem}
ul.key{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1.1rem;margin:0;padding:0;font-size:.9rem}
.key svg{display:inline-block;width:.75rem;height:.75rem;margin-right:.4rem;vertical-align:-.06rem;border-radius:.2rem}
dl.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.2rem,1fr));gap:.9rem 1.25rem;margin:1.1rem 0 0}
.facts dt{font-size:.8rem;color:var(--soft)}
.rows+.scale-row{padding-top:.2rem}
.key+figure{margin-top:.9rem}
.facts dd{margin:0;font-size:1.25rem;font-weight:600;font-variant-numeric:tabular-nums;line-height:1.3}
.badge{display:inline-block;padding:.05rem .5rem;border-radius:1rem;font-size:.8rem;font-weight:600;white-space:nowrap}
.cause{border-top:1px solid var(--line);padding:.9rem 0}
.cause:first-of-type{border-top:0;padding-top:0}
.cause h3{display:flex;gap:.6rem;align-items:baseline;flex-wrap:wrap}
.cause h3+p:not(.small),.cause .small+p{margin-top:.4rem}
ul.names{list-style:none;margin:.7rem 0 0;padding:0;columns:16rem;column-gap:1.25rem}
.names li{break-inside:avoid;padding-bottom:.35rem;font-size:.9rem;line-height:1.35}
.names p{margin:0}
code{font:.92em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
details{margin:.25rem 0}
summary{cursor:pointer}
.remedy{border-left:3px solid var(--unchanged);padding-left:.7rem;margin-top:.5rem}
.scale{display:grid;grid-template-columns:1fr repeat(3,2fr) 1fr;font-size:.75rem;color:var(--soft);
 font-variant-numeric:tabular-nums;white-space:nowrap;text-align:center}
.scale :first-child{justify-self:start}
.scale :last-child{justify-self:end}
ol.rows{list-style:none;margin:0;padding:0}
.rows li,.scale-row{display:grid;grid-template-columns:minmax(6rem,15rem) minmax(0,1fr) 4.5rem;gap:.1rem .9rem;
 align-items:center}
.rows li{padding:.13rem 0}
.rows svg{height:.85rem;background:var(--ground);border-radius:.2rem}
.rows .lane{height:1.2rem}
.who{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;font-size:.86rem}
.took{font-size:.82rem;text-align:right;font-variant-numeric:tabular-nums;color:var(--soft)}
figure{margin:0 0 1.1rem}
figure:last-child{margin-bottom:0}
figcaption{font-size:.86rem;margin-bottom:.5rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}
caption{text-align:left;font-size:.86rem;padding-bottom:.5rem}
th{font-size:.78rem;font-weight:600;color:var(--soft);text-align:left}
th,td{padding:.45rem .6rem .45rem 0;border-bottom:1px solid var(--line);vertical-align:top}
tr:last-child td{border-bottom:0}
th.number,td.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.name{min-width:12rem}
.trend{width:6rem;height:1.3rem;margin:.15rem 0 0 auto}
.trend polyline{fill:none;stroke:var(--soft);stroke-width:1.5;vector-effect:non-scaling-stroke}
.scroll{overflow-x:auto}
footer{padding-top:.25rem;padding-bottom:2rem;font-size:.84rem}
@media (max-width:44rem){
 main,header,footer{padding-left:.9rem;padding-right:.9rem}
 section{padding:.9rem;border-radius:.6rem}
 h1{font-size:1.35rem}
 .rows li,.scale-row{grid-template-columns:minmax(0,1fr) auto}
 .rows .who{grid-column:1}
 .rows .took{grid-row:1;grid-column:2}
 .rows svg,.scale{grid-column:1/-1}
 .rows li{padding:.3rem 0}
 .stack thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
 .stack,.stack tbody,.stack caption{display:block}
 .stack tr{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:.3rem .75rem;padding:.75rem 0;
  border-bottom:1px solid var(--line)}
 .stack tr:last-child{border-bottom:0}
 .stack td{display:block;padding:0;border:0;white-space:normal}
 .stack td.name{grid-column:1/-1;min-width:0}
 .stack td.number{text-align:left}
 .stack td:nth-child(2){grid-row:2;grid-column:1/3}
 .stack td.number{grid-row:3}
 .stack td.number:last-child{grid-column:3;grid-row:2;text-align:right;color:var(--soft)}
 .stack td.number:last-child::before{display:inline;content:attr(data-head) " "}
 .stack td.number::before{content:attr(data-head);display:block;font-size:.75rem;color:var(--soft)}
 .trend{margin-left:0;width:100%;max-width:7rem}
}
@media print{section{break-inside:avoid;border:0;padding:0}body{background:none}}
"""
_INKS = ("saved", "unchanged", "skipped", "failed")
_SHAPES = ("waiting", "loading", "writing", "earlier")


def _variables(colors: dict[str, str]) -> str:
    return "".join(f"--{name}:{color};" for name, color in colors.items())


def style_sheet() -> str:
    """The whole style sheet."""
    badges = "".join(f".badge.{name}{{color:var(--{name});background:var(--{name}-tint)}}" for name in _INKS)
    fills = "".join(f".f-{name}{{fill:var(--{name})}}" for name in (*_INKS, *_SHAPES))
    return (
        f":root{{color-scheme:light dark;{_variables(LIGHT)}}}"
        f"@media (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}{_RULES}{badges}{fills}"
        ".grid{stroke:var(--line);vector-effect:non-scaling-stroke}h1.failed,.text-failed{color:var(--failed)}"
    )


def content_security_policy(style: str) -> str:
    """The policy that lets the page load nothing at all: the one style sheet inside it is known by its hash."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
