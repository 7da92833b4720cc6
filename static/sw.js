// Shows what the server sends to this browser, and opens the page that a message is about.
"use strict";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  const told = event.data ? event.data.json().notification : { title: "Approvals", navigate: self.registration.scope };
  const { title, body, tag, silent, navigate } = told;
  event.waitUntil(self.registration.showNotification(title, { body, tag, silent, data: navigate }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(event.notification.data));
});
