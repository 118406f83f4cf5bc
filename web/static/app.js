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

  // An estimate: the server alone decides.
  const judge = (text, min, own) => {
    const chars = [...text];
    if (!chars.length) return [0, ''];
    const missing = min - chars.length;
    if (missing > 0) return [1, `${missing} more character${missing > 1 ? 's' : ''} needed.`];
    const low = text.toLowerCase();
    if (own.some((word) => word.length > 3 && low.includes(word.toLowerCase()))) {
      return [1, 'Weak: it holds your username or email.'];
    }
    const seen = new Set();
    let worth = 0;
    chars.forEach((char, i) => {
      const last = chars[i - 1] || '';
      const near = Math.abs(char.codePointAt() - last.codePointAt()) < 2;
      worth += near || seen.has(last + char) ? 0.2 : 1;
      seen.add(last + char);
    });
    worth = Math.min(worth, new Set(chars).size * 1.5);
    if (worth < 9) return [1, 'Weak: repeats or runs like abc and 111.'];
    if (worth < 16) return [2, 'Fair (estimate). More variety helps.'];
    return worth < 21 ? [3, 'Good (estimate).'] : [4, 'Strong (estimate).'];
  };
  const own = () => [...document.querySelectorAll('#username, #email')]
    .flatMap((input) => [input.value, input.value.split('@')[0]]);
  for (const input of document.querySelectorAll('input[data-min]')) {
    const meter = make('span', 'meter', '');
    const words = make('p', 'hint', '');
    let timer;
    words.setAttribute('aria-live', 'polite');
    input.parentNode.after(meter, words);
    input.addEventListener('input', () => {
      const [level, text] = judge(input.value.normalize('NFC'), +input.dataset.min, own());
      meter.dataset.level = level;
      clearTimeout(timer);
      timer = setTimeout(() => { words.textContent = text; }, 300);
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
