window.onload = () => {
  window.ui = SwaggerUIBundle({
    url: "lamp.json", dom_id: "#swagger-ui", deepLinking: true, filter: true, layout: "StandaloneLayout", validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset], plugins: [SwaggerUIBundle.plugins.DownloadUrl],
  });
};
