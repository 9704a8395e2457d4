/** The last gate before the document: only what Markdown needs gets through. */

import DOMPurify, { type Config, type DOMPurify as Purifier } from "dompurify";

/** What `innerHTML` takes: TrustedHTML where the browser has it, else a string. */
export type SafeHtml = string & { readonly __sanitised: unique symbol };

export const ALLOWED: Config = {
  ALLOWED_TAGS: [
    ..."a blockquote br button code del div em h1 h2 h3 h4 h5 h6 hr li ol p pre span strong".split(" "),
    ..."table tbody td th thead tr ul".split(" "),
  ],
  ALLOWED_ATTR: ["align", "aria-label", "class", "href", "rel", "role", "start", "tabindex", "target", "title", "type"],
  // Every other attribute would have to look like an address that is allowed.
  ADD_URI_SAFE_ATTR: ["align", "aria-label", "rel", "role", "start", "tabindex", "target", "title", "type"],
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:)/i,
};

export function sanitiserFor(purifier: Purifier): (html: string) => SafeHtml {
  return (html) => purifier.sanitize(html, { ...ALLOWED, RETURN_TRUSTED_TYPE: true }) as unknown as SafeHtml;
}

export const sanitise = sanitiserFor(DOMPurify);
