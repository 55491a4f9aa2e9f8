// In each page that the manifest names: sends every comment to the service worker, and notes the verdict on it.
/** The comments of your site, and the manifest's `matches` its address. */
const COMMENTS = '.comment'

async function moderate(comment) {
  comment.dataset.moderation = 'waiting'
  const { verdict, error } = await chrome.runtime.sendMessage({ text: comment.textContent })
  comment.dataset.moderation = verdict?.label ?? 'failed'
  comment.title = error ?? `${verdict.label} (${(100 * verdict.chance).toFixed(1)} %)`
}

function moderateNew() {
  for (const comment of document.querySelectorAll(`:is(${COMMENTS}):not([data-moderation])`)) moderate(comment)
}

moderateNew()
new MutationObserver(moderateNew).observe(document.body, { childList: true, subtree: true })
