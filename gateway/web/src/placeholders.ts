/** Finds what was masked in a question, such as `[EMAIL_1]`. */

export interface Piece {
  readonly text: string;
  readonly masked: boolean;
}

const PLACEHOLDER = /(\[[A-Z]+(?:_[A-Z]+)*_\d+\])/;

export function pieces(text: string): Piece[] {
  // A split with one group puts the matches at the odd places.
  return text
    .split(PLACEHOLDER)
    .map((part, index) => ({ text: part, masked: index % 2 === 1 }))
    .filter((piece) => piece.text !== "");
}
