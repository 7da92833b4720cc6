// Starts Swagger UI, which django-ninja brings, without a script inside the page.
(() => {
  "use strict";
  const place = document.getElementById("swagger-ui");
  window.SwaggerUIBundle({
    ...JSON.parse(place.dataset.settings),
    dom_id: "#swagger-ui",
    presets: [window.SwaggerUIBundle.presets.apis],
  });
})();
