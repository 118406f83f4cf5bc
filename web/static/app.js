(() => {
  'use strict';

  const make = (tag, className, textContent) =>
    Object.assign(document.createElement(tag), { className, textContent });

  // The name of the switch stays, the pressed state tells.
  const passwords = [...document.querySelectorAll('input[type=password]')];
  const hide = () => passwords.forEach((input) => {
    input.type = 'password';
    input.nextElementSibling.setAttribute('aria-pressed', 'false');
  });
  for (const input of passwords) {
    const button = make('button', 'show', 'Show');
    button.type = 'button';
    button.append(make('span', 'unseen', ' ' + input.labels[0].textContent.toLowerCase()));
    button.addEventListener('click', () => {
      const shown = input.type === 'password';
      input.type = shown ? 'text' : 'password';
      button.setAttribute('aria-pressed', String(shown));
    });
    input.after(button);
  }
  hide();

  // The length is told here, the rest by the server, which alone decides.
  for (const input of document.querySelectorAll('input[data-min]')) {
    const meter = make('span', 'meter', '');
    const words = make('p', 'hint', '');
    let timer, latest;
    words.setAttribute('aria-live', 'polite');
    input.parentNode.after(meter, words);
    const tell = (level, text) => {
      meter.dataset.level = level;
      words.textContent = text;
    };
    const ask = async (password) => {
      const body = new URLSearchParams({ csrf: input.form.csrf.value, password });
      for (const own of document.querySelectorAll('#username, #email')) body.set(own.id, own.value);
      let said = { score: 2, hint: 'Long enough.' };
      try {
        const answer = await fetch('/password/strength', { method: 'POST', body });
        if (answer.status === 200) said = await answer.json();
      } catch { /* no hint, then */ }
      if (password === latest) tell(said.score || 1, said.hint);
    };
    input.addEventListener('input', () => {
      latest = input.value;
      const missing = input.dataset.min - [...latest.normalize('NFC')].length;
      clearTimeout(timer);
      if (!latest) return tell(0, '');
      meter.dataset.level = missing > 0 ? 1 : 2;
      timer = setTimeout(() => (missing > 0
        ? tell(1, `${missing} more character${missing > 1 ? 's' : ''} needed.`)
        : ask(latest)), 400);
    });
  }

  // One press, one request.
  const sent = new Set();
  addEventListener('submit', (event) => {
    hide();
    if ('again' in event.target.dataset) return;
    const button = event.submitter || {};
    button.disabled = true;
    sent.add(button);
  });
  addEventListener('pageshow', () => {
    sent.forEach((button) => { button.disabled = false; });
    sent.clear();
  });
})();
