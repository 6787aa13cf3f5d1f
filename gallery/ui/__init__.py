"""What every page shares: input, settings, results, model cards, downloads. Only this part uses Streamlit."""
