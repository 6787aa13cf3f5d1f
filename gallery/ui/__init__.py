"""The frame that every page shares: input, settings, results, model cards, downloads. Only this part knows Streamlit."""
