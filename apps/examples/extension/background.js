// The service worker: opens the pruned model for the first comment, and answers one comment after another. Chrome ends it
// after 30 seconds without messages, and starts it for the next one.
import { wasmRuntime } from '@tp/runtime-web'
import { softmax, textInputs } from '../node/vectors.mjs'

const LABELS = ['fine', 'spam']

async function open() {
  const tokenizer = await (await fetch('/tokenizer.json')).json()
  const inputsOf = textInputs(tokenizer, 512)
  // A service worker cannot start workers, so there is one thread.
  const session = await wasmRuntime().load('/model.onnx', { threads: 1 })
  return async (text) => {
    const { logits } = await session.run(inputsOf(text))
    const chances = softmax(logits.data)
    const chance = Math.max(...chances)
    return { label: LABELS[chances.indexOf(chance)], chance }
  }
}

let opened
chrome.runtime.onMessage.addListener(({ text }, _sender, answer) => {
  opened ??= open()
  opened
    .then((verdictOn) => verdictOn(text))
    .then((verdict) => answer({ verdict }))
    .catch((error) => answer({ error: error.message }))
  // The answer comes later.
  return true
})
