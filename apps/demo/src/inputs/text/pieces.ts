import type { TextPiece } from '../content.ts'

/** How far ahead a token is looked for before it is taken for one that the text does not show (an unknown word). */
const REACH = 40

/**
 * Divides a text into what its tokens stand for and what lies between. Tokenizers change case, accents and spaces and
 * have no positions, so each token is looked for after the one before it.
 * @param tokens what each token stands for; '' where that is nothing of the text
 */
export function piecesOf(text: string, tokens: readonly string[]): TextPiece[] {
  const { plain, positions } = plainText(text)
  const pieces: TextPiece[] = []
  let at = 0
  let shown = 0
  for (const [token, written] of tokens.entries()) {
    const piece = plainText(written.replace(/^##/, '').replace(/[▁Ġ]/g, ' ').trim()).plain
    const found = piece === '' ? -1 : plain.indexOf(piece, at)
    if (found < 0 || plain.slice(at, found).trim().length > REACH) continue
    const [from, to] = [positions[found] as number, positions[found + piece.length] as number]
    if (from > shown) pieces.push({ text: text.slice(shown, from), token: undefined })
    pieces.push({ text: text.slice(from, to), token })
    at = found + piece.length
    shown = to
  }
  if (shown < text.length) pieces.push({ text: text.slice(shown), token: undefined })
  return pieces
}

/** A text in lower case without accents, and for each of its characters the position in the original (one more at the end). */
function plainText(text: string): { plain: string; positions: number[] } {
  let plain = ''
  const positions: number[] = []
  let position = 0
  for (const character of text) {
    const reduced = character.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
    for (let i = 0; i < reduced.length; i++) positions.push(position)
    plain += reduced
    position += character.length
  }
  positions.push(position)
  return { plain, positions }
}
