import DOMPurify from "dompurify";
import { describe, expect, it } from "vitest";
import { lex, toHtml } from "../src/rendering";
import { sanitise, sanitiserFor } from "../src/sanitise";

function shown(markdown: string): HTMLElement {
  const box = document.createElement("div");
  box.innerHTML = sanitise(toHtml(lex(markdown), true));
  return box;
}

describe("what an answer may not do", () => {
  it.each([
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "text <b onclick=alert(1)>bold</b>",
    "<svg><style><a title='</style><img src=x onerror=alert(1)>'>",
    "<iframe src='https://example.com'></iframe>",
    "<!-- comment -->",
    "```\"><img src=x onerror=alert(1)>\ncode\n```",
  ])("raw HTML stays text: %s", (markdown) => {
    const box = shown(markdown);
    expect(box.querySelector("script, img, b, svg, style, iframe, [onerror], [onclick]")).toBeNull();
    if (!markdown.startsWith("```")) expect(box.textContent?.trim()).toBe(markdown);
  });

  it.each([
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#10;script:alert(1))",
    "[x](data:text/html,hello)",
    "[x](vbscript:x)",
    "[x](/v1/dev/token)",
    "<javascript:alert(1)>",
    "![x](javascript:alert(1))",
  ])("drops the address of %s", (markdown) => {
    expect(shown(markdown).querySelector("a")).toBeNull();
  });

  it("opens links apart from the page, and loads no image", () => {
    const box = shown("[a](https://example.com/a) ![pic](https://example.com/p.png) <me@example.com>");
    const links = [...box.querySelectorAll("a")];
    expect(links.map((link) => link.getAttribute("href"))).toEqual([
      "https://example.com/a",
      "https://example.com/p.png",
      "mailto:me@example.com",
    ]);
    for (const link of links) expect(link.rel).toBe("noopener noreferrer");
    expect(box.querySelector("img")).toBeNull();
  });

  it("takes away what the renderer should never have made", () => {
    const html = sanitise('<p style="color:red" onclick="x()" data-x="1" id="message">a<img src="x"><input></p>');
    expect(html).toBe("<p>a</p>");
  });
});

describe("what it may do", () => {
  it("labels and colours code, with a way to copy it", () => {
    const box = shown("```python title=x\nprint('a')\n```");
    expect(box.querySelector(".code-language")?.textContent).toBe("python");
    expect(box.querySelector(".code-copy")?.textContent).toBe("Copy");
    expect(box.querySelector("pre")?.getAttribute("tabindex")).toBe("0");
    expect(box.querySelector(".hljs-string")).not.toBeNull();
    expect(box.querySelector("code")?.textContent).toBe("print('a')");
  });

  it("keeps lists, tables and their alignment", () => {
    const box = shown("3. three\n\n- [x] done\n\n| a |\n|--:|\n| 1 |");
    expect(box.querySelector("ol")?.getAttribute("start")).toBe("3");
    expect(box.querySelector("td")?.getAttribute("align")).toBe("right");
    expect(box.querySelector("[role=img]")?.getAttribute("aria-label")).toBe("done");
  });
});

describe("under trusted types", () => {
  it("gives out what its own policy has signed, and asks for no other policy", () => {
    class Trusted {
      constructor(readonly html: string) {}
      toString(): string {
        return this.html;
      }
    }
    const policies: string[] = [];
    const factory = {
      emptyHTML: new Trusted(""),
      createPolicy(name: string, rules: { createHTML(html: string): string }) {
        policies.push(name);
        return { createHTML: (html: string) => new Trusted(rules.createHTML(html)), createScriptURL: (url: string) => url };
      },
    };
    // Everything else is the test's own window; a document must not see the foreign objects.
    const trusting = new Proxy(window, {
      get: (target, name) => (name === "trustedTypes" ? factory : Reflect.get(target, name)),
    });
    const safe = sanitiserFor(DOMPurify(trusting as never))("<p>a<script>b</script></p>");
    expect(safe).toBeInstanceOf(Trusted);
    expect(String(safe)).toBe("<p>a</p>");
    expect(policies).toEqual(["dompurify"]);
  });
});
