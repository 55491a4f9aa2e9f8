import { candidateName, settingText } from '../../registry/settings.ts'
import type { SubjectForm } from '../../registry/subjects.ts'
import type { Trajectory, TrajectoryCell, TrajectoryValue } from '../cell.ts'
import { type Html, html } from './html.ts'

/** Single examples, with where each of their tokens was pruned. */
export function trajectories(form: SubjectForm, cell: TrajectoryCell, { examples }: TrajectoryValue): Html {
  const [first] = examples
  if (first === undefined) return html``
  const how = first.pieces
    ? 'Words in colour are kept to the end; the others are crossed out, with the layer after whose attention they are pruned, if not all are pruned at one.'
    : 'Cells are patches: in colour what is kept to the end, the darker the longer it is kept, on the brightness of the image.'
  return html`<p class="soft">${candidateName(cell.setting)}, ${settingText(cell.setting)}. ${how}</p>
${first.pieces ? examples.map((one) => text(one)) : html`<div class="panels">${examples.map((one) => image(form, one))}</div>`}`
}

function answer(trajectory: Trajectory): string {
  const { label, dense, pruned, confidence, prunedAt } = trajectory
  const kept = prunedAt.filter((layer) => layer === -1).length
  const [before, after] = confidence.map((share) => `${(100 * share).toFixed(0)} %`)
  const same =
    dense === pruned
      ? `the same answer (class ${dense}, probability ${before} before and ${after} after)`
      : `another answer (class ${pruned} in place of ${dense}, which falls from ${before} to ${after})`
  return `${kept} of ${prunedAt.length} tokens are kept; ${same}; ${pruned === label ? 'right' : 'wrong'}.${turning(trajectory)}`
}

/** What would have brought the answer back. */
function turning({ turnsBack, pieces = [] }: Trajectory): string {
  if (turnsBack === undefined) return ''
  if (turnsBack.length === 0) return ' No single token, had it been kept, would bring the answer back.'
  const most = turnsBack
    .slice(0, MOST_NAMED)
    .map((token) => (pieces[token] === undefined ? `${token}` : `“${pieces[token]}”`))
  const more = turnsBack.length > MOST_NAMED ? `, and ${turnsBack.length - MOST_NAMED} others` : ''
  return ` Any one of these tokens, had it been kept, would bring the answer back: ${most.join(', ')}${more}.`
}

const MOST_NAMED = 8

function text(trajectory: Trajectory): Html {
  const { pieces = [], prunedAt } = trajectory
  const isAtOnce = new Set(prunedAt.filter((layer) => layer !== -1)).size < 2
  const words = pieces.map((piece, i) => {
    const layer = prunedAt[i] as number
    // pieces of one word stand together
    const space = piece.startsWith('##') || i === 0 ? '' : ' '
    const bare = piece.replace(/^##/, '')
    return layer === -1
      ? html`${space}<span class="kept">${bare}</span>`
      : html`${space}<span class="gone">${bare}</span>${isAtOnce ? '' : html`<span class="layer">${layer}</span>`}`
  })
  return html`<p class="words-kept">${words}</p><p class="soft">${answer(trajectory)}</p>`
}

const CELL = 12

function image(form: SubjectForm, trajectory: Trajectory): Html {
  const { brightness = [], prunedAt } = trajectory
  const patches = prunedAt.slice(1)
  const side = Math.sqrt(patches.length)
  if (!Number.isInteger(side)) return html`<p class="soft">${answer(trajectory)}</p>`
  const rects = patches.map((layer, i) => {
    const at = html`x="${(i % side) * CELL}" y="${Math.floor(i / side) * CELL}" width="${CELL - 1}" height="${CELL - 1}"`
    const length = layer === -1 ? 1 : (layer + 1) / (form.layers + 1)
    const ink = html`<rect ${at} fill="currentColor" fill-opacity="${brightness[i] ?? 0}"/>`
    return html`${ink}<rect ${at} fill="var(--own)" fill-opacity="${(layer === -1 ? 0.75 : 0.25 * length).toFixed(2)}"/>`
  })
  const size = side * CELL
  return html`<div class="panel"><svg role="img" aria-label="Which patches are kept" viewBox="0 0 ${size} ${size}" width="${size}" height="${size}">${rects}</svg><p class="soft">${answer(trajectory)}</p></div>`
}
