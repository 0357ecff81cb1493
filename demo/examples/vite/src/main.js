import { petrel } from './analytics.js';

const titles = { '/': 'Home', '/pricing': 'Pricing' };

function show() {
  document.title = titles[location.pathname] ?? 'Not found';
  document.querySelector('h1').textContent = document.title;
}

document.querySelector('nav').addEventListener('click', (event) => {
  if (!(event.target instanceof HTMLAnchorElement)) return;
  event.preventDefault();
  history.pushState(null, '', event.target.href);
  show();
});
addEventListener('popstate', show);
show();

document.querySelector('#sign-up').addEventListener('click', () => petrel.track('Signed Up', { plan: 'free' }));
